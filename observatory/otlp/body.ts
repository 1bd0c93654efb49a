import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate } from 'node:zlib';

/** A body that is not taken, with the status that says so. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: 400 | 413 | 415 | 429;

  constructor(status: 400 | 413 | 415 | 429, message: string) {
    super(message);
    this.status = status;
  }
}

/** How many bytes all requests together hold in memory while they are read and decoded. */
export interface Budget {
  used: number;
  readonly limit: number;
}

/**
 * Reads a body, inflated where it is compressed. Both its size on the wire and its size after that are bounded: a few
 * kilobytes of gzip can stand for gigabytes. What it holds stays counted in `budget`; the caller gives it back.
 *
 * @throws {BodyError}
 */
export async function readBody(request: IncomingMessage, limit: number, budget: Budget): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  // A header that is empty says as much as none.
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity';
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of inflated(request, encoding, limit)) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      budget.used += chunk.length;
      if (budget.used > budget.limit) throw new BodyError(429, 'Too many requests are being read at once.');
      chunks.push(chunk);
    }
  } catch (error) {
    budget.used -= chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (error instanceof BodyError) throw error;
    throw new BodyError(400, `The body could not be read as ${encoding}.`);
  }
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

function inflated(request: IncomingMessage, encoding: string, limit: number): AsyncIterable<Buffer> {
  if (encoding === 'identity') return request.iterator({ destroyOnReturn: false });
  const inflate = encoding === 'gzip' ? createGunzip() : encoding === 'deflate' ? createInflate() : undefined;
  if (!inflate) throw new BodyError(415, `The content encoding is not one of gzip, deflate and identity.`);
  let compressed = 0;
  request.on('data', (chunk: Buffer) => {
    compressed += chunk.length;
    if (compressed > limit) inflate.destroy(tooLarge(limit));
  });
  request.on('error', (error) => inflate.destroy(error));
  request.on('aborted', () => inflate.destroy(new Error('aborted')));
  request.pipe(inflate);
  return inflate;
}

function tooLarge(limit: number): BodyError {
  return new BodyError(413, `The body is larger than ${limit} bytes.`);
}
