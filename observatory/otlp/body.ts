import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate } from 'node:zlib';

type BodyStatus = 400 | 408 | 413 | 415 | 429;

/** A body that is not taken, with the status that says so. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: BodyStatus;

  constructor(status: BodyStatus, message: string) {
    super(message);
    this.status = status;
  }
}

/** How long a body may take, milliseconds. */
export interface BodyPatience {
  /** Between two pieces of it. */
  stallMs: number;
  /** All of it. */
  wholeMs: number;
  /** After so long it gives up its room to others if there is none left. */
  slowMs: number;
}
export const bodyPatience: BodyPatience = { stallMs: 5_000, wholeMs: 30_000, slowMs: 1_000 };

/**
 * How many bytes all requests together hold in memory while they are read and decoded. Only bytes that have arrived
 * count.
 */
export interface Budget {
  used: number;
  readonly limit: number;
  /** The bodies that are being read, in the order in which they began. */
  readonly reading: Set<Reading>;
}

/** A body that is being read. */
interface Reading {
  sinceMs: number;
  /** Ends it with this error, and gives its room back at once. */
  cut(error: BodyError): void;
}

export function createBudget(limit: number): Budget {
  return { used: 0, limit, reading: new Set() };
}

const roomSetting = 'OBSERVATORY_MAX_BODY_MB sets how much room all have';

/** When there is no more room, the slowest sender loses its room: a quick one needs it for a short time only. */
function makeRoom(budget: Budget, own: Reading, slowMs: number): void {
  for (const other of budget.reading) {
    if (budget.used <= budget.limit) return;
    if (other !== own && performance.now() - other.sinceMs > slowMs) {
      other.cut(new BodyError(429, `Others needed the room of this body, which came too slowly; ${roomSetting}.`));
    }
  }
  if (budget.used > budget.limit) throw new BodyError(429, `Too many requests are being read at once; ${roomSetting}.`);
}

/**
 * Reads a body, and inflates it if it is compressed. Both its size on the wire and its size after that are bounded: a
 * few kilobytes of gzip can stand for gigabytes. What it holds stays counted in `budget`; the caller gives it back.
 *
 * @throws {BodyError} 408 if it stalls or takes too long, 429 if all bodies together are too much.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  budget: Budget,
  patience: BodyPatience = bodyPatience,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  // An empty header means the same as none.
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity';
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise: ended, reject: end } = Promise.withResolvers<never>();
  ended.catch(() => undefined); // only ever awaited in the race below
  const reading: Reading = {
    sinceMs: performance.now(),
    cut(error) {
      budget.reading.delete(reading);
      budget.used -= size;
      size = 0;
      end(error);
    },
  };
  const late = (ms: number): BodyError =>
    new BodyError(408, `The body did not come within ${ms / 1000} s; send it again.`);
  const stalled = setTimeout(() => reading.cut(late(patience.stallMs)), patience.stallMs);
  const endless = setTimeout(() => reading.cut(late(patience.wholeMs)), patience.wholeMs);
  budget.reading.add(reading);
  try {
    const source = inflated(request, encoding, limit, () => stalled.refresh())[Symbol.asyncIterator]();
    for (;;) {
      const next = source.next();
      next.catch(() => undefined); // if the body was cut, nobody waits for it any more
      const { done, value: chunk } = await Promise.race([next, ended]);
      if (done) break;
      stalled.refresh();
      if (size + chunk.length > limit) throw tooLarge(limit);
      size += chunk.length;
      budget.used += chunk.length;
      makeRoom(budget, reading, patience.slowMs);
      chunks.push(chunk);
    }
  } catch (error) {
    if (budget.reading.has(reading)) budget.used -= size;
    if (error instanceof BodyError) throw error;
    throw new BodyError(400, `The body could not be read as ${encoding}.`);
  } finally {
    clearTimeout(stalled);
    clearTimeout(endless);
    budget.reading.delete(reading);
  }
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

/** @param onWire is called for each piece of a compressed body: many of them may inflate to nothing yet. */
function inflated(
  request: IncomingMessage,
  encoding: string,
  limit: number,
  onWire: () => void,
): AsyncIterable<Buffer> {
  if (encoding === 'identity') return request.iterator({ destroyOnReturn: false });
  const inflate = encoding === 'gzip' ? createGunzip() : encoding === 'deflate' ? createInflate() : undefined;
  if (!inflate) throw new BodyError(415, `The content encoding is not one of gzip, deflate and identity.`);
  let compressed = 0;
  request.on('data', (chunk: Buffer) => {
    compressed += chunk.length;
    onWire();
    if (compressed > limit) inflate.destroy(tooLarge(limit));
  });
  request.on('error', (error) => inflate.destroy(error));
  request.on('aborted', () => inflate.destroy(new Error('aborted')));
  request.pipe(inflate);
  return inflate;
}

function tooLarge(limit: number): BodyError {
  return new BodyError(413, `The body is larger than the ${limit} bytes that OBSERVATORY_MAX_BODY_MB allows.`);
}
