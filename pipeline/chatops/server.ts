import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { formatDuration } from '../release/command.ts';
import { type ChatopsConfig, type Environment, permittedEnvironment } from './config.ts';
import { describeOrder, type Order, OrderError, readOrder, readSlashCommand, type SlashCommand } from './order.ts';
import type { CarryOut } from './program.ts';
import { codeBlock, escapeText, respond, responseAddress } from './respond.ts';
import { createSignatureCheck, type SignatureFault } from './signature.ts';

export interface ChatopsOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  signingSecret: string;
  config: ChatopsConfig;
  /** Origins beside Slack's to which later answers may go. */
  responseOrigins: readonly string[];
  /** No deploy begins while so many deploys and rollbacks are under way. A rollback always may: it is the way out. */
  mostOrders: number;
  /**
   * After how long the chat is told that a deploy or rollback still runs, milliseconds. Slack takes later answers for half
   * an hour.
   */
  stillRunsAfterMs: number;
  /** After how long a deploy or rollback is ended, milliseconds. */
  orderTimeoutMs: number;
  /** After how long a status is ended, milliseconds. */
  statusTimeoutMs: number;
  carryOut: CarryOut;
  /** Takes one line for the log: people by id, orders, outcomes; no secret, no address. */
  log: (line: string) => void;
  /** The clock, Unix milliseconds. */
  now?: () => number;
  /** How long a request may take to arrive, milliseconds. */
  requestTimeoutMs?: number;
}

export interface RunningChatops {
  url: string;
  /** Takes no more orders, ends those under way, and tells what came of them. */
  close(): Promise<void>;
}

/** A slash command of a person has a few hundred bytes. */
const largestBody = 16 * 1024;
/** Slack waits three seconds; whoever sends more slowly is not Slack. */
const defaultRequestTimeoutMs = 3_000;
/** How many statuses may be under way at once. They change nothing and end soon. */
const mostStatuses = 4;

const refusals: Record<SignatureFault, [status: number, sentence: string]> = {
  unsigned: [401, 'The request is not signed.'],
  stale: [401, 'The request is too old, or from the future.'],
  wrong: [401, 'The signature is not right.'],
  replayed: [409, 'The request has been taken before.'],
  full: [503, 'Too many requests.'],
};

/**
 * Takes signed slash commands at `POST /slack/commands`, answers at once, and does the work behind.
 * `GET /healthz` says that it is there.
 */
export async function startChatops(options: ChatopsOptions): Promise<RunningChatops> {
  const { config, log, now = Date.now, requestTimeoutMs = defaultRequestTimeoutMs } = options;
  const signatures = createSignatureCheck(options.signingSecret, now);
  /** What is under way, by a number. */
  const underWay = new Map<number, { order: Order; done: Promise<void> }>();
  const closing = new AbortController();
  let number = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz' && request.method === 'GET') return plain(response, 200, 'ok');
    if (path !== '/slack/commands') return plain(response, 404, 'There is nothing here.');
    if (request.method !== 'POST') return plain(response, 405, 'Slash commands come by POST.');
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') return plain(response, 415, 'Slash commands come as a form.');
    const body = await readBody(request);
    if (body === null) return plain(response, 413, `The request has more than ${largestBody} bytes.`);
    const fault = signatures.check(
      oneHeader(request, 'x-slack-request-timestamp'),
      oneHeader(request, 'x-slack-signature'),
      body,
    );
    if (fault !== null) {
      log(`refused a request: ${fault}`);
      return plain(response, ...refusals[fault]);
    }
    const command = readSlashCommand(body.toString('utf8'));
    if (command === null) return plain(response, 400, 'The request is not a slash command.');
    const address = responseAddress(command.responseUrl, options.responseOrigins);
    if (address === null) {
      log('refused a request: its response_url is of an origin that is not configured');
      return plain(response, 400, 'Later answers may not go to that address.');
    }
    return say(response, begin(command, address));
  }

  /** @returns the answer that the person sees at once. */
  function begin(command: SlashCommand, address: URL): string {
    let order: Order;
    try {
      order = readOrder(command.text);
    } catch (error) {
      if (error instanceof OrderError) return codeBlock(error.message);
      throw error;
    }
    const environment = permittedEnvironment(config, command, order);
    if (environment === null) {
      log(`${who(command)} may not: ${describeOrder(order)}`);
      return `You may not order the ${escapeText(describeOrder(order))}. The one who runs this program keeps the list.`;
    }
    if (closing.signal.aborted) return 'Nothing is taken now: this program ends. Try again in a minute.';
    const obstacle = obstacleTo(order);
    if (obstacle !== null) return obstacle;
    number += 1;
    const id = number;
    const done = work(command, order, environment, address).finally(() => underWay.delete(id));
    underWay.set(id, { order, done });
    return `The ${escapeText(describeOrder(order))} begins.`;
  }

  /** @returns why the order must wait; null where it may begin. */
  function obstacleTo(order: Order): string | null {
    const orders = [...underWay.values()].map((each) => each.order);
    const changes = orders.filter(({ name }) => name !== 'status');
    if (order.name === 'status') {
      const statuses = orders.length - changes.length;
      return statuses < mostStatuses ? null : `${statuses} statuses are under way. Try again in a minute.`;
    }
    const before = changes.find(({ environment }) => environment === order.environment);
    if (before) return `Wait for the ${escapeText(describeOrder(before))}, which is under way.`;
    if (order.name === 'rollback' || changes.length < options.mostOrders) return null;
    return `${changes.length} deploys and rollbacks are under way, which is the limit. Try again later.`;
  }

  async function work(command: SlashCommand, order: Order, environment: Environment, address: URL): Promise<void> {
    const startedMs = now();
    log(`${who(command)} orders the ${describeOrder(order)}`);
    const timeoutMs = order.name === 'status' ? options.statusTimeoutMs : options.orderTimeoutMs;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
    // What changes something is for all to see.
    const responseType = order.name === 'status' ? 'ephemeral' : 'in_channel';
    const tell = async (what: string, text: string): Promise<void> => {
      const failure = await respond(address, { response_type: responseType, text });
      if (failure !== null) log(`${what} of the ${describeOrder(order)} could not be told: ${failure}`);
    };
    let told = Promise.resolve();
    const stillRuns = setTimeout(() => {
      const sinceMs = now() - startedMs;
      log(`the ${describeOrder(order)} still runs after ${formatDuration(sinceMs)}`);
      told = tell('the duration', describeLongOrder(order, sinceMs, timeoutMs));
    }, options.stillRunsAfterMs);
    const outcome = await options.carryOut(order, environment, signal).catch((error: unknown) => ({
      succeeded: false,
      lines: error instanceof Error ? error.message : String(error),
    }));
    clearTimeout(stillRuns);
    const duration = formatDuration(now() - startedMs);
    const verdict = outcome.succeeded ? 'is done' : 'has failed';
    log(`the ${describeOrder(order)} ${verdict} after ${duration}`);
    const text = [
      `${outcome.succeeded ? ':white_check_mark:' : ':x:'} The ${escapeText(describeOrder(order))} ${verdict} after ${duration}, ordered by <@${who(command)}>.`,
      ...(outcome.lines === '' ? [] : [codeBlock(outcome.lines)]),
    ].join('\n');
    await told; // so that the outcome comes last
    await tell('the outcome', text);
  }

  // Node looks for requests that are too slow every 30 s by default.
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (request, response) => {
    take(request, response).catch(() => {
      if (!response.headersSent && !response.destroyed) plain(response, 400, 'The request could not be read.');
    });
  });
  server.requestTimeout = requestTimeoutMs;
  server.headersTimeout = requestTimeoutMs;
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port, address: host, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.all([...underWay.values()].map(({ done }) => done));
      server.closeAllConnections();
      await closed;
    },
  };
}

function describeLongOrder(order: Order, sinceMs: number, timeoutMs: number): string {
  const what = `The ${escapeText(describeOrder(order))}`;
  return [
    `:hourglass_flowing_sand: ${what} still runs after ${formatDuration(sinceMs)}; it is ended after ${formatDuration(timeoutMs)}.`,
    `Slack takes answers for half an hour alone. If no outcome follows here, ask for the status of ${order.environment}.`,
  ].join('\n');
}

/** Ids of Slack have letters and digits; nothing else comes into a log or a message. */
function who({ userId }: SlashCommand): string {
  return userId.replaceAll(/[^A-Z0-9]/g, '').slice(0, 30);
}

function oneHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** @returns null where there is more than is read. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > largestBody) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plain(response: ServerResponse, status: number, sentence: string): void {
  // What was not read of the request is not waited for.
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    ...(status >= 400 && { connection: 'close' }),
  });
  response.end(`${sentence}\n`);
}

function say(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ response_type: 'ephemeral', text }));
}
