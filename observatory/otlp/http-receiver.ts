import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createHostCheck } from '@hotrod/kit/host-names';
import { closeServer } from '@hotrod/kit/server';

import type { Telemetry } from '../telemetry.ts';
import { type Encoding, encodingOf, failure, rpcCodes, success } from './answers.ts';
import { BodyError, bodyPatience, type BodyPatience, createBudget, readBody } from './body.ts';
import { type Path, type Receiver, signalOf, toUrl } from './receiver.ts';
import { type Refusal, retryAfterSeconds, type Taking } from './taking.ts';

export interface HttpReceiverOptions {
  host: string;
  /** 0 for any free one. */
  port: number;
  /** The largest size of a body, on the wire and inflated. */
  maxBodyBytes: number;
  /** Origins of pages that may send, for example `http://localhost:8080`; `*` for any. None by default. */
  corsOrigins: readonly string[];
  /** Names under which pages may reach it besides localhost, IP addresses and names without a dot; `*` for any. */
  hosts: readonly string[];
  /** How long bodies may take; `bodyPatience` by default. */
  patience?: BodyPatience;
}

/** Bodies in memory at once, as a multiple of the largest. */
const bodiesAtOnce = 8;
/** How long the headers of a request may take, milliseconds. */
const headersMs = 10_000;

const paths = { '/v1/traces': 'traces', '/v1/logs': 'logs', '/v1/metrics': 'metrics' } as const;

/**
 * OTLP/HTTP 1.x: `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, in protobuf or JSON.
 *
 * @throws the system's error if the port is taken.
 */
export async function startHttpReceiver(
  taking: Taking,
  telemetry: Telemetry,
  options: HttpReceiverOptions,
): Promise<Receiver> {
  const { patience = bodyPatience } = options;
  const budget = createBudget(options.maxBodyBytes * bodiesAtOnce);
  const isOurName = createHostCheck(options.hosts);

  async function receive(path: Path, request: IncomingMessage, encoding: Encoding): Promise<Buffer | Refusal> {
    const bytes = await readBody(request, options.maxBodyBytes, budget, patience);
    const outcome = await taking.take(signalOf[path], encoding, bytes).finally(() => {
      budget.used -= bytes.length;
    });
    return 'code' in outcome ? outcome : success(encoding, path, outcome.rejected, outcome.reason);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const allowed = allowOrigin(request, response, options.corsOrigins);
    const target = pathOf(request.url ?? '/');
    const encoding = encodingOf(request.headers['content-type']);
    const path = Object.hasOwn(paths, target) ? paths[target as keyof typeof paths] : undefined;
    const answer = (result: Buffer | Refusal): void => {
      const refused = !Buffer.isBuffer(result);
      const status = refused ? result.status : 200;
      const body = refused ? failure(encoding ?? 'application/json', result.code, result.message) : result;
      if (status === 429 || status === 503) response.setHeader('retry-after', String(retryAfterSeconds));
      // The rest of a body that was not read is discarded. Otherwise the sender would see a reset and not the answer.
      if (!request.complete) request.resume();
      // After a body that comes too slowly the connection is closed, so that its rest is not awaited.
      if (status === 408) response.setHeader('connection', 'close');
      response.writeHead(status, { 'content-type': encoding ?? 'application/json', 'content-length': body.length });
      response.end(body);
      telemetry.answered('http', path ? signalOf[path] : 'none', status);
    };
    if (!path)
      answer({
        status: 404,
        code: rpcCodes.notFound,
        message: 'OTLP is taken at /v1/traces, /v1/logs and /v1/metrics.',
      });
    else if (request.headers.origin !== undefined && !allowed && !isOurName(request.headers.host)) {
      // A browser sends an origin with every POST. This is a page of a stranger whose own name was given our address,
      // so that the browser takes it for the same origin and does not ask first. An exporter has no origin, and may use
      // any name, such as a service's in Kubernetes.
      answer({
        status: 421,
        code: rpcCodes.permissionDenied,
        message: 'Pages may not send by this name; OBSERVATORY_HOSTS and OBSERVATORY_CORS_ORIGINS say which may.',
      });
    } else if (request.method === 'OPTIONS' && options.corsOrigins.length > 0) {
      response.writeHead(204).end();
    } else if (request.method !== 'POST') {
      response.setHeader('allow', options.corsOrigins.length > 0 ? 'POST, OPTIONS' : 'POST');
      answer({ status: 405, code: rpcCodes.unimplemented, message: 'OTLP is sent by POST.' });
    } else if (!encoding) {
      answer({
        status: 415,
        code: rpcCodes.invalidArgument,
        message: 'The content type is neither application/x-protobuf nor application/json.',
      });
    } else {
      try {
        answer(await receive(path, request, encoding));
      } catch (error) {
        answer(toRefusal(error));
      }
    }
  }

  const timeouts = {
    headersTimeout: headersMs,
    // The body has limits of its own. Node's is for requests that slip through those, and must be the longer one.
    requestTimeout: headersMs + 2 * patience.wholeMs,
    // By default Node checks them only every half minute.
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(timeouts, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // Longer than exporters keep an idle connection, or they meet a socket that is just being closed (ECONNRESET).
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: toUrl(options.host, port),
    close: (closeOptions) => closeServer(server, closeOptions),
  };
}

function toRefusal(error: unknown): Refusal {
  if (!(error instanceof BodyError)) {
    return { status: 500, code: rpcCodes.internal, message: 'The request could not be taken.' };
  }
  return {
    status: error.status,
    code: error.status === 429 ? rpcCodes.resourceExhausted : rpcCodes.invalidArgument,
    message: error.message,
  };
}

/** The path of a request's target, which may be a whole URL (RFC 9112, 3.2.2). */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)[0] ?? '';
}

/**
 * Lets a page of an allowed origin send; others are kept out by their own browser, which asks first. Tells whether it is
 * one that is allowed.
 */
function allowOrigin(request: IncomingMessage, response: ServerResponse, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origins.length === 0) return false;
  response.setHeader('vary', 'origin');
  if (origin === undefined || !(origins.includes(origin) || origins.includes('*'))) return false;
  response.setHeader('access-control-allow-origin', origin);
  // `navigator.sendBeacon`, with which OpenTelemetry's older exporters send, requires this. Credentials mean nothing
  // here.
  response.setHeader('access-control-allow-credentials', 'true');
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-methods', 'POST');
    // Exporters send headers of their own, such as `authorization`: an origin that may send at all may send those, too.
    const asked = request.headers['access-control-request-headers'] ?? '';
    response.setHeader('access-control-allow-headers', /^[\w-]+(?: *, *[\w-]+)*$/.test(asked) ? asked : 'content-type');
    response.setHeader('access-control-max-age', '600');
  }
  return true;
}
