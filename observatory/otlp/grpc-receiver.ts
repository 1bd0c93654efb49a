import { type AddressInfo, createServer } from 'node:net';

import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServerUnaryCall,
  type ServiceDefinition,
  status as statusCodes,
} from '@grpc/grpc-js';

import type { Telemetry } from '../telemetry.ts';
import { retryStatus, rpcCodes, success } from './answers.ts';
import { bodyPatience, type BodyPatience } from './body.ts';
import { createReadingSlots, type Slot } from './reading-slots.ts';
import { type Path, type Receiver, signalOf, toUrl } from './receiver.ts';
import { type Refusal, retryAfterSeconds, type Taking } from './taking.ts';

export interface GrpcReceiverOptions {
  host: string;
  /** 0 for any free one. */
  port: number;
  /** The largest size of a message, on the wire and inflated. */
  maxBodyBytes: number;
  /** How long messages may take; `bodyPatience` by default. */
  patience?: Pick<BodyPatience, 'wholeMs' | 'slowMs'>;
  /** After how long a connection is asked whether its other end is still there, and how long that may take to answer. */
  keepalive?: { afterMs: number; answerMs: number };
}

/** Messages in memory at once; see {@link createReadingSlots}. */
const messagesAtOnce = 8;
/** How many calls may wait for their message to be read. */
const waitingAtMost = 1_000;
/** How many calls one connection may have at once; the Collector's exporter has ten consumers. */
const callsAConnection = 100;

/** Without this, a laptop that sleeps or a cable that is pulled goes unnoticed, and its connection stays for ever. */
const defaultKeepalive = { afterMs: 60_000, answerMs: 20_000 };

/** OTLP's services (opentelemetry-proto 1.x, `collector/…/v1/…_service.proto`), each with the one method `Export`. */
const services: Record<string, Path> = {
  'opentelemetry.proto.collector.trace.v1.TraceService': 'traces',
  'opentelemetry.proto.collector.logs.v1.LogsService': 'logs',
  'opentelemetry.proto.collector.metrics.v1.MetricsService': 'metrics',
};
const serviceOfPath = new Map(Object.entries(services).map(([service, path]) => [`/${service}/Export`, path]));

/**
 * OTLP/gRPC 1.x without TLS. Messages reach the decoders as the bytes that they are. Limits, answers and counters are
 * those of OTLP/HTTP; no page can send here, because browsers do not speak HTTP/2 without TLS.
 *
 * @throws the system's error if the port is taken.
 */
export async function startGrpcReceiver(
  taking: Taking,
  telemetry: Telemetry,
  options: GrpcReceiverOptions,
): Promise<Receiver> {
  const { keepalive = defaultKeepalive } = options;
  const slots = createReadingSlots(messagesAtOnce, waitingAtMost, options.patience ?? bodyPatience);
  const server = new Server({
    'grpc.max_receive_message_length': options.maxBodyBytes,
    'grpc.max_concurrent_streams': callsAConnection,
    'grpc.keepalive_time_ms': keepalive.afterMs,
    'grpc.keepalive_timeout_ms': keepalive.answerMs,
    // A registry of calls and connections for debugging, which nothing here uses.
    'grpc.enable_channelz': 0,
    interceptors: [readInTurn(slots.enter, telemetry, options.maxBodyBytes)],
  });
  for (const [service, path] of Object.entries(services)) {
    server.addService(definitionOf(service), {
      export(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
        void taking
          .take(signalOf[path], 'application/x-protobuf', call.request, () => call.cancelled)
          .then((outcome) => {
            if ('code' in outcome) answer(toStatus(outcome));
            else answer(null, success('application/x-protobuf', path, outcome.rejected, outcome.reason));
          });
      },
    });
  }
  // A listener of our own: when a port is taken, that of grpc-js says only that no address could be bound.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options.port, options.host, resolve);
  });
  const { port } = listener.address() as AddressInfo;
  return {
    url: toUrl(options.host, port),
    async close({ cutAfterMs } = {}) {
      listener.close();
      // Not by `forceShutdown`, which knows no connections while channelz is off.
      if (cutAfterMs !== undefined) injector.drain(cutAfterMs);
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve());
      });
    },
  };
}

/** A service whose messages are bytes on both sides. */
function definitionOf(service: string): ServiceDefinition {
  const asItIs = (bytes: Buffer): Buffer => bytes;
  return {
    export: {
      path: `/${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    },
  };
}

/** Has the messages of calls read in their turn, and counts all answers. */
function readInTurn(
  enter: ReturnType<typeof createReadingSlots>['enter'],
  telemetry: Telemetry,
  maxBodyBytes: number,
): ServerInterceptor {
  return (method, call) => {
    const path = serviceOfPath.get(method.path);
    const send = call.sendStatus.bind(call);
    let isAnswered = false;
    // Answers that grpc-js makes by itself, for example to a message that is too large, pass no interceptor but come
    // through here.
    call.sendStatus = (given) => {
      const sent = reworded(given, maxBodyBytes);
      if (!isAnswered) telemetry.answered('grpc', path ? signalOf[path] : 'none', statusCodes[sent.code] ?? sent.code);
      isAnswered = true;
      send(sent);
    };
    let slot: Slot | undefined;
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, read) {
            slot = enter({
              begin: () => read(metadata),
              cut: (refusal) => call.sendStatus(toStatus(refusal)),
            });
          },
          // Not when its message comes: grpc-js handles the call when its sender has ended it, and until then the call
          // holds the slot.
          onReceiveHalfClose(handle) {
            slot?.messageCame();
            handle();
          },
          // Called at the end of every call, whatever ended it.
          onCancel: () => slot?.leave(),
        });
      },
    });
  };
}

type Answer = Parameters<ServerInterceptingCall['sendStatus']>[0];

/** An answer that grpc-js makes by itself, as OTLP wants it and with the setting that a person can change. */
function reworded(given: Answer, maxBodyBytes: number): Answer {
  // A message that cannot be inflated is the sender's fault (OTLP: not retryable), not ours.
  if (given.code === statusCodes.INTERNAL && given.details === 'Failed to decompress message') {
    return { ...given, code: statusCodes.INVALID_ARGUMENT };
  }
  // Too large as it came, or inflated.
  if (given.code === statusCodes.RESOURCE_EXHAUSTED && given.details?.startsWith('Received message ')) {
    return {
      ...given,
      details: `The message is larger than the ${maxBodyBytes} bytes that OBSERVATORY_MAX_BODY_MB allows.`,
    };
  }
  return given;
}

function toStatus({ code, message }: Refusal): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (code === rpcCodes.resourceExhausted || code === rpcCodes.unavailable) {
    metadata.set('grpc-status-details-bin', retryStatus(code, message, retryAfterSeconds));
  }
  return { code, details: message, metadata };
}
