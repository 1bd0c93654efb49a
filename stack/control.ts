import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { z } from 'zod';

import { readSuiteRecord, runs, type SuiteRecord } from './data-directory.ts';
import { maxRate } from './options.ts';
import { type Released, releasedSchema, releaseDirectorySchema } from './production.ts';
import { type Push, pushSchema } from './push/push.ts';
import { waitUntilGone } from './process-group.ts';
import { messageOf, Refusal } from './refusal.ts';

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
  /** The release that a service runs, if it runs one. */
  release: z.string().optional(),
});
const statusSchema = z.object({ processes: z.array(processSchema), load: loadSchema.nullable() });

/** What runs, and how. */
export type SuiteStatus = z.infer<typeof statusSchema>;
export type LoadStatus = z.infer<typeof loadSchema>;

/** What a release is to change. */
const releaseRequestSchema = z.object({
  services: z.array(z.object({ name: z.string(), release: releaseDirectorySchema })).min(1),
  /** The commit that production is at afterwards. */
  revision: z.string().nullable(),
  /**
   * A release directory that holds what the checkout held at the start. Services that run the checkout count as running
   * that, because the checkout may have been changed since. Null if no service runs the checkout.
   */
  checkout: releaseDirectorySchema.nullable(),
  /** Whether this request takes the last release back. */
  isRollback: z.boolean(),
  /** What is to be marked on the charts; null if whoever asks has marked it. */
  mark: z.string().max(1_000).nullable(),
});
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;
const releaseOutcomeSchema = z.object({ before: releasedSchema, after: releasedSchema });
export type ReleaseOutcome = z.infer<typeof releaseOutcomeSchema>;

/** What a running suite does on command. */
export interface Controlled {
  status(): SuiteStatus;
  /** @throws {Refusal} if the load has no rate to set. */
  setRate(ratePerSecond: number): void;
  /** Which release each service runs. */
  released(): Released;
  /** The same, when the releases and restarts that were asked for before are over. */
  settled(): Promise<Released>;
  /** Replaces services. @throws {Refusal} if one does not become ready; all run on as before. */
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
  /** Starts a service anew from the checkout. @throws {Refusal} if it does not become ready; it runs on as before. */
  restart(name: string): Promise<void>;
  /** Begins to stop everything; whoever asks waits for the process to end. */
  requestStop(): void;
  /**
   * Takes what was pushed to its repository.
   *
   * @param tell takes the lines that the pusher is to see, while the pipeline runs; nobody may be there to see them.
   * @throws {Refusal} if it takes none.
   */
  push(push: Push, tell: (line: string) => void): Promise<void>;
}

/** Where commands reach a running suite. */
export interface ControlServer {
  /** A Unix socket, or a named pipe of Windows. */
  path: string;
  close(): void;
}

const rateSchema = z.object({ ratePerSecond: z.number().min(0).max(maxRate) });
const restartSchema = z.object({ name: z.string() });
const maxBodyBytes = 20_000;

/** What `sun_path` holds on every system (macOS: 104 bytes with the zero at the end). */
const maxSocketPathBytes = 103;

/** The place of a data directory's socket: in it, or in a directory of its own if the path would be too long. */
function socketPath(dataDir: string): string {
  if (process.platform === 'win32') {
    return `\\\\.\\pipe\\hotrod-${createHash('sha256').update(dataDir.toLowerCase()).digest('hex').slice(0, 32)}`;
  }
  const path = join(dataDir, 'control.sock');
  return Buffer.byteLength(path) <= maxSocketPathBytes ? path : join(mkdtempSync(join(tmpdir(), 'hotrod-')), 'sock');
}

/**
 * Listens for commands on a Unix socket that this user alone may open: no port, no token, no web page can reach it. On
 * Windows it is a named pipe, which other users may not write to either.
 */
export async function startControl(dataDir: string, suite: Controlled): Promise<ControlServer> {
  const path = socketPath(dataDir);
  const isFile = process.platform !== 'win32';
  const ownDirectory = isFile && dirname(path) !== dataDir;
  const server = createServer((request, response) => void answer(suite, request, response));
  if (isFile) rmSync(path, { force: true }); // of a suite that was killed: the data directory is ours
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // It is bound within this call, so there is no moment in which others could open it.
    const umask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(umask);
  });
  await listening;
  if (isFile) chmodSync(path, 0o600);
  server.unref();
  return {
    path,
    close: () => {
      server.close();
      server.closeAllConnections();
      if (ownDirectory) rmSync(dirname(path), { recursive: true, force: true });
    },
  };
}

async function answer(suite: Controlled, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
  try {
    switch (`${request.method} ${request.url}`) {
      case 'GET /status':
        send(200, suite.status());
        break;
      case 'PUT /rate':
        suite.setRate(rateSchema.parse(await readJson(request)).ratePerSecond);
        send(200, suite.status());
        break;
      case 'GET /releases':
        send(200, suite.released());
        break;
      case 'GET /releases/settled':
        send(200, await suite.settled());
        break;
      case 'PUT /releases':
        send(200, await suite.release(releaseRequestSchema.parse(await readJson(request))));
        break;
      case 'PUT /restart':
        await suite.restart(restartSchema.parse(await readJson(request)).name);
        send(200, {});
        break;
      case 'POST /stop':
        send(200, {}).once('close', () => suite.requestStop());
        break;
      case 'POST /push':
        await streamPush(suite, pushSchema.parse(await readJson(request)), response);
        break;
      default:
        send(404, { message: 'there is no such command' });
    }
  } catch (error) {
    if (response.headersSent) response.end(`${messageOf(error)}\n`);
    else send(400, { message: error instanceof Refusal ? error.message : 'the command is not valid' });
  }
}

/** Sends each line as it comes. If the pusher has gone away, the push goes on without it. */
async function streamPush(suite: Controlled, what: Push, response: ServerResponse): Promise<void> {
  response.on('error', () => {});
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.flushHeaders();
  await suite.push(what, (line) => {
    if (!response.destroyed) response.write(`${line}\n`);
  });
  response.end();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > maxBodyBytes) throw new Error('too long');
  }
  return JSON.parse(text);
}

/**
 * Sends a command to the suite that runs from a data directory.
 *
 * @param timeoutMs for the whole answer; null to wait for as long as it takes.
 * @param signal ends the wait.
 * @throws {Refusal} if none runs there, it does not answer, or it refuses.
 */
async function ask(
  dataDir: string,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number | null,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const record = runningSuite(dataDir);
  if (record.control === null) throw new Refusal('HotROD is still starting: try again in a moment.');
  const { control } = record;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(
      { socketPath: control, method, path, agent: false, ...(signal && { signal }) },
      resolve,
    );
    request.once('error', reject);
    if (timeoutMs !== null) request.setTimeout(timeoutMs, () => request.destroy(new Error('no answer')));
    request.end(body === undefined ? undefined : JSON.stringify(body));
  }).catch((error: unknown) => {
    throw new Refusal(`HotROD (process ${record.pid}) does not answer (${messageOf(error)}).`, { cause: error });
  });
  if (response.statusCode === 200) return response;
  const refused = z.object({ message: z.string() }).safeParse(await readAnswer(response));
  throw new Refusal(refused.data?.message ?? `HotROD answered with ${response.statusCode}.`);
}

/** @throws {Refusal} if none runs from there. */
function runningSuite(dataDir: string): SuiteRecord {
  const record = readSuiteRecord(dataDir);
  if (record && runs(record)) return record;
  throw new Refusal(`No HotROD runs from ${dataDir}: start one with "npm start", or name its --data-dir.`);
}

/**
 * Makes sure that a command is meant for the suite of a data directory.
 *
 * @throws {Refusal} if that suite has other ports, or there is none.
 */
export function ensurePortBase(dataDir: string, portBase: number): void {
  const { url } = runningSuite(dataDir);
  if (Number(new URL(url).port) !== portBase)
    throw new Refusal(
      `The HotROD that runs from ${dataDir} is at ${url}, not at port ${portBase}: name the --data-dir of the other one.`,
    );
}

async function readAnswer(response: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return JSON.parse(text);
}

const usualTimeoutMs = 5_000;

/** What runs. @throws {Refusal} as {@link ask} does; so do all below. */
export async function askStatus(dataDir: string): Promise<SuiteStatus> {
  return statusSchema.parse(await readAnswer(await ask(dataDir, 'GET', '/status', undefined, usualTimeoutMs)));
}

export async function setRate(dataDir: string, ratePerSecond: number): Promise<SuiteStatus> {
  return statusSchema.parse(await readAnswer(await ask(dataDir, 'PUT', '/rate', { ratePerSecond }, usualTimeoutMs)));
}

/** Longer than a suite takes to stop, even on a busy machine. */
const stopTimeoutMs = 60_000;

/** Stops a suite, also one that is still starting, and waits until its process has ended. */
export async function stopSuite(dataDir: string): Promise<void> {
  const { pid, control } = runningSuite(dataDir);
  if (control === null && process.platform !== 'win32') signalSuite(pid);
  else await readAnswer(await ask(dataDir, 'POST', '/stop', undefined, usualTimeoutMs));
  if (!(await waitUntilGone(pid, stopTimeoutMs)))
    throw new Refusal(`HotROD (process ${pid}) has not stopped within ${stopTimeoutMs / 1000} s: its output says why.`);
}

function signalSuite(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new Refusal(`HotROD (process ${pid}) cannot be stopped: ${messageOf(error)}.`, { cause: error });
  }
}

export async function askReleased(dataDir: string): Promise<Released> {
  return releasedSchema.parse(await readAnswer(await ask(dataDir, 'GET', '/releases', undefined, usualTimeoutMs)));
}

/** The same, when the releases and restarts under way are over, also those whose pipeline was killed. */
export async function askSettled(dataDir: string, signal: AbortSignal): Promise<Released> {
  return releasedSchema.parse(
    await readAnswer(await ask(dataDir, 'GET', '/releases/settled', undefined, null, signal)),
  );
}

/** Has services replaced, and waits until they are. */
export async function release(dataDir: string, request: ReleaseRequest): Promise<ReleaseOutcome> {
  return releaseOutcomeSchema.parse(await readAnswer(await ask(dataDir, 'PUT', '/releases', request, null)));
}

/** Has a service started anew from the checkout, and waits until it is ready. */
export async function restart(dataDir: string, name: string): Promise<void> {
  await readAnswer(await ask(dataDir, 'PUT', '/restart', { name }, null));
}

/** Hands a push over, and tells what comes of it, line by line, until its pipeline is over. */
export async function sendPush(dataDir: string, what: Push, tell: (line: string) => void): Promise<void> {
  const response = await ask(dataDir, 'POST', '/push', what, null);
  for await (const line of createInterface({ input: response })) tell(line);
}
