import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { formatDuration } from '../release/command.ts';
import { type ChatopsConfig, type Environment, permissionsOf, permittedEnvironment } from './config.ts';
import {
  type Cancel,
  describeOrder,
  type Order,
  OrderError,
  readOrder,
  readSlashCommand,
  type SlashCommand,
  type Work,
} from './order.ts';
import { type CarryOut, graceMs, type OrderOutcome } from './program.ts';
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

/** An order that is being carried out. */
interface Task {
  order: Work;
  /** The id of the person who gave it. */
  by: string;
  startedMs: number;
  /** Ends it in good order. */
  end: AbortController;
  /** Who has ended it, as the chat shows that person; null while nobody has. */
  endedBy: string | null;
  /** Its outcome, before the chat knows of it. Never rejects. */
  outcome: Promise<OrderOutcome>;
  /** Resolves when the chat knows the outcome. */
  done: Promise<void>;
}

/** A slash command of a person has a few hundred bytes. */
const largestBody = 16 * 1024;
/** Slack waits three seconds; whoever sends more slowly is not Slack. */
const defaultRequestTimeoutMs = 3_000;
/** How many requests for a status may be under way at once. They change nothing and end soon. */
const mostStatuses = 4;

const refusals: Record<SignatureFault, [status: number, sentence: string]> = {
  unsigned: [401, 'The request is not signed.'],
  stale: [401, 'The request is too old, or from the future: compare the clocks.'],
  wrong: [401, 'The signature is not right: CHATOPS_SIGNING_SECRET must be the signing secret of the app that sends.'],
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
  const underWay = new Set<Task>();
  const closing = new AbortController();

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
      log(`refused a request: ${refusals[fault][1]}`);
      return plain(response, ...refusals[fault]);
    }
    const command = readSlashCommand(body.toString('utf8'));
    if (command === null) return plain(response, 400, 'The request is not a slash command.');
    const address = responseAddress(command.responseUrl, options.responseOrigins);
    if (address === null) {
      log('refused a request: its response_url is of an origin that --response-origin does not name');
      return plain(response, 400, 'Later answers may not go to that address: --response-origin names further origins.');
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
      return `You may not order the ${escapeText(describeOrder(order))}. Whoever runs this program keeps the list, in the file of --config.`;
    }
    if (closing.signal.aborted) return 'Nothing is taken now: this program ends. Try again in a minute.';
    if (order.name === 'cancel') return cancel(command, order);
    const holder = holderOf(order.environment);
    const obstacle = obstacleTo(order, holder);
    if (obstacle !== null) return obstacle;
    const what = `The ${escapeText(describeOrder(order))}`;
    if (order.name === 'status' || !holder) {
      startTask(command, order, environment, address);
      return holder ? `${what} begins. ${describeTask(holder)}.` : `${what} begins.`;
    }
    end(holder, who(command));
    startTask(command, order, environment, address, holder);
    return [
      `${describeTask(holder)}. That takes ${formatDuration(graceMs)} at most.`,
      `${what} begins then, and restores what ran before that deploy.`,
    ].join('\n');
  }

  /** The deploys and rollbacks under way. */
  function changes(): Task[] {
    return [...underWay].filter(({ order }) => order.name !== 'status');
  }

  /** Who changes an environment now. If a rollback waits for the deploy that it ends, it is the rollback. */
  function holderOf(environment: string): Task | undefined {
    return changes().findLast(({ order }) => order.environment === environment);
  }

  /**
   * A rollback does not wait for a deploy: it ends it. A deploy may hang for hours, and a rollback is the way out.
   *
   * @param holder what changes the environment now.
   * @returns why the order must wait; null if it may begin.
   */
  function obstacleTo(order: Work, holder: Task | undefined): string | null {
    if (order.name === 'status') {
      const statuses = underWay.size - changes().length;
      return statuses < mostStatuses ? null : `${statuses} statuses are under way. Try again in a minute.`;
    }
    if (holder && !(order.name === 'rollback' && holder.order.name === 'deploy')) {
      const way =
        holder.endedBy === null ? `Wait for it, or end it with "cancel ${order.environment}".` : 'Wait for it.';
      return `${describeTask(holder)}. ${way}`;
    }
    if (order.name === 'rollback' || changes().length < options.mostOrders) return null;
    return `${changes().length} deploys and rollbacks are under way, which is the limit. Try again later.`;
  }

  /** @returns the answer that the person sees at once. */
  function cancel(command: SlashCommand, order: Cancel): string {
    const task = holderOf(order.environment);
    if (!task) return `No deploy or rollback of ${order.environment} that was ordered here is under way.`;
    const mayRollBack = permissionsOf(config, command.userId, order.environment).includes('rollback');
    if (!mayRollBack && task.by !== who(command)) {
      log(`${who(command)} may not cancel: ${describeOrder(task.order)}`);
      return `${describeTask(task)}. It can be ended by <@${task.by}>, and by those who may roll back.`;
    }
    if (task.endedBy !== null) return `${describeTask(task)}.`;
    end(task, who(command));
    return `${describeTask(task)}. That takes ${formatDuration(graceMs)} at most.`;
  }

  function end(task: Task, by: string): void {
    if (task.endedBy !== null) return;
    log(`${by} ends the ${describeOrder(task.order)}`);
    task.endedBy = by;
    task.end.abort();
  }

  /** A task for people: `The deploy of main to production, ordered by <@U01>, has been under way for 12 min 3 s`. */
  function describeTask({ order, by, startedMs, endedBy }: Task): string {
    const what = `The ${escapeText(describeOrder(order))}, ordered by <@${by}>`;
    const state = `has been under way for ${formatDuration(now() - startedMs)}`;
    return endedBy === null ? `${what}, ${state}` : `${what}, ${state} and is being ended by <@${endedBy}>`;
  }

  /** @param previous the deploy whose place a rollback takes, once that deploy has ended. */
  function startTask(
    command: SlashCommand,
    order: Work,
    environment: Environment,
    address: URL,
    previous: Task | null = null,
  ): void {
    log(`${who(command)} orders the ${describeOrder(order)}`);
    const controller = new AbortController();
    const timeoutMs = order.name === 'status' ? options.statusTimeoutMs : options.orderTimeoutMs;
    const signal = AbortSignal.any([closing.signal, controller.signal, AbortSignal.timeout(timeoutMs)]);
    const outcome = carryOut(order, environment, signal, previous).catch((error: unknown) => ({
      succeeded: false,
      begun: true,
      lines: error instanceof Error ? error.message : String(error),
      before: null,
    }));
    const task: Task = {
      order,
      by: who(command),
      startedMs: now(),
      end: controller,
      endedBy: null,
      outcome,
      done: Promise.resolve(),
    };
    task.done = announce(task, timeoutMs, address).finally(() => underWay.delete(task));
    underWay.add(task);
  }

  async function carryOut(
    order: Work,
    environment: Environment,
    signal: AbortSignal,
    previous: Task | null,
  ): Promise<OrderOutcome> {
    if (!previous) return options.carryOut({ order, environment, signal, restore: null });
    const { begun, before } = await previous.outcome;
    const deploy = describeOrder(previous.order);
    if (!begun) {
      const lines = `The ${deploy} had not begun; there is nothing to roll back.`;
      return { succeeded: true, begun: false, lines, before: null };
    }
    if (before !== null) return options.carryOut({ order, environment, signal, restore: before });
    // To go back to the release before the last one may be one too far: nobody knows how far the deploy got.
    const lines = `What ran before the ${deploy} is not known. Ask for the status; order the rollback again to go back to the release before the last one.`;
    return { succeeded: false, begun: false, lines, before: null };
  }

  /** Tells the chat of the outcome, and of work that takes long. */
  async function announce(task: Task, timeoutMs: number, address: URL): Promise<void> {
    const { order, startedMs } = task;
    // Everybody sees an order that changes something.
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
    const outcome = await task.outcome;
    clearTimeout(stillRuns);
    const duration = formatDuration(now() - startedMs);
    const wasEnded = !outcome.succeeded && task.endedBy !== null;
    const verdict = outcome.succeeded ? 'is done' : wasEnded ? 'was ended' : 'has failed';
    log(`the ${describeOrder(order)} ${verdict} after ${duration}`);
    const text = [
      `${outcome.succeeded ? ':white_check_mark:' : ':x:'} The ${escapeText(describeOrder(order))} ${verdict}${wasEnded ? ` by <@${task.endedBy}>` : ''} after ${duration}, ordered by <@${task.by}>.`,
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
      await Promise.all([...underWay].map(({ done }) => done));
      server.closeAllConnections();
      await closed;
    },
  };
}

function describeLongOrder(order: Work, sinceMs: number, timeoutMs: number): string {
  const what = `The ${escapeText(describeOrder(order))}`;
  return [
    `:hourglass_flowing_sand: ${what} still runs after ${formatDuration(sinceMs)}; it is ended after ${formatDuration(timeoutMs)}, or with "cancel ${order.environment}".`,
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

/** @returns null if the body is longer than what is read. */
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
  // The rest of the request is not waited for.
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
