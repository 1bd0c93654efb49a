import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';

import { z } from 'zod';

import { readSuiteRecord, runs } from './data-directory.ts';
import { maxRate } from './options.ts';
import { Refusal } from './refusal.ts';

const loadSchema = z.object({
  engine: z.enum(['builtin', 'k6']),
  profile: z.string().nullable(),
  ratePerSecond: z.number(),
  sent: z.number(),
  ok: z.number(),
  failed: z.number(),
  dropped: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  normalP95Ms: z.number(),
  lastFailure: z.string().nullable(),
});
const processSchema = z.object({
  name: z.string(),
  url: z.string(),
  state: z.string(),
  pid: z.number().optional(),
  restarts: z.number(),
});
const statusSchema = z.object({ processes: z.array(processSchema), load: loadSchema.nullable() });

/** What runs, and how. */
export type SuiteStatus = z.infer<typeof statusSchema>;
export type LoadStatus = z.infer<typeof loadSchema>;

/** What a running suite does on command. */
export interface Controlled {
  status(): SuiteStatus;
  /** @throws {Refusal} where the load has no rate to set. */
  setRate(ratePerSecond: number): void;
}

/** Where commands reach a running suite. */
export interface ControlServer {
  port: number;
  token: string;
  close(): void;
}

const rateSchema = z.object({ ratePerSecond: z.number().min(0).max(maxRate) });
const maxBodyBytes = 1_000;

/**
 * Listens for commands on loopback. The token, which only those who can read the data directory know, keeps other users
 * and web pages out.
 */
export async function startControl(suite: Controlled): Promise<ControlServer> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    void answer(suite, token, request).then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    token,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  suite: Controlled,
  token: string,
  request: IncomingMessage,
): Promise<{ status: number; body: unknown }> {
  if (!isToken(request.headers.authorization, token)) return { status: 401, body: { message: 'no valid token' } };
  try {
    if (request.method === 'GET' && request.url === '/status') return { status: 200, body: suite.status() };
    if (request.method === 'PUT' && request.url === '/rate') {
      const { ratePerSecond } = rateSchema.parse(JSON.parse(await readBody(request)));
      suite.setRate(ratePerSecond);
      return { status: 200, body: suite.status() };
    }
    return { status: 404, body: { message: 'there is no such command' } };
  } catch (error) {
    return { status: 400, body: { message: error instanceof Refusal ? error.message : 'the command is not valid' } };
  }
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > maxBodyBytes) throw new Error('too long');
  }
  return text;
}

/**
 * Sends a command to the suite that runs from a data directory.
 *
 * @param ratePerSecond null to ask for the status alone.
 * @throws {Refusal} where none runs there, or it refuses.
 */
export async function command(dataDir: string, ratePerSecond: number | null): Promise<SuiteStatus> {
  const record = readSuiteRecord(dataDir);
  if (!record || !runs(record)) {
    throw new Refusal(`No HotROD runs from ${dataDir}: start one with "npm start", or name its --data-dir.`);
  }
  if (!record.control) throw new Refusal('HotROD is still starting: try again in a moment.');
  const response = await fetch(
    `http://127.0.0.1:${record.control.port}/${ratePerSecond === null ? 'status' : 'rate'}`,
    {
      headers: { authorization: `Bearer ${record.control.token}` },
      signal: AbortSignal.timeout(5_000),
      ...(ratePerSecond === null ? {} : { method: 'PUT', body: JSON.stringify({ ratePerSecond }) }),
    },
  ).catch((error: unknown) => {
    throw new Refusal(`HotROD (process ${record.pid}) does not answer.`, { cause: error });
  });
  const body: unknown = await response.json();
  if (!response.ok) throw new Refusal(z.object({ message: z.string() }).parse(body).message);
  return statusSchema.parse(body);
}
