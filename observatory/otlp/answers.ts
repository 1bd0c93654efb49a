/** The two encodings of OTLP/HTTP; an answer comes in the one that was asked in. */
export type Encoding = 'application/x-protobuf' | 'application/json';

/** The encoding of a content type; undefined if it is neither. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'application/x-protobuf' || type === 'application/json' ? type : undefined;
}

/** Names of the member that counts what was rejected, by path. */
const rejectedMember = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' } as const;

/** `Export…ServiceResponse`: empty if everything was taken, as OTLP demands; else with the partial success. */
export function success(
  encoding: Encoding,
  path: keyof typeof rejectedMember,
  rejected: number,
  reason: string,
): Buffer {
  if (encoding === 'application/json') {
    if (rejected === 0) return Buffer.from('{}');
    return Buffer.from(
      JSON.stringify({ partialSuccess: { [rejectedMember[path]]: String(rejected), errorMessage: reason } }),
    );
  }
  if (rejected === 0) return Buffer.alloc(0);
  const partial = Buffer.concat([Buffer.from([0x08, ...varint(rejected)]), field(0x12, Buffer.from(reason))]);
  return field(0x0a, partial);
}

/** Codes of `google.rpc.Code`. */
export const rpcCodes = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** `google.rpc.Status`, for the body of an answer of OTLP/HTTP. */
export function failure(encoding: Encoding, code: number, message: string): Buffer {
  if (encoding === 'application/json') return Buffer.from(JSON.stringify({ code, message }));
  return protobufStatus(code, message);
}

/** `google.rpc.Status` in protobuf. */
function protobufStatus(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0x08, ...varint(code)]), field(0x12, Buffer.from(message))]);
}

/**
 * `google.rpc.Status` with a `google.rpc.RetryInfo`: what gRPC carries as `grpc-status-details-bin`. After
 * RESOURCE_EXHAUSTED exporters send again only if there is one (OTLP 1.x, "OTLP/gRPC Throttling").
 *
 * @param seconds after which to send again; a whole number.
 */
export function retryStatus(code: number, message: string, seconds: number): Buffer {
  const retryInfo = field(0x0a, Buffer.from([0x08, ...varint(seconds)])); // retry_delay: Duration { seconds }
  const any = [field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(0x12, retryInfo)];
  return Buffer.concat([protobufStatus(code, message), field(0x1a, Buffer.concat(any))]);
}

function field(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...varint(content.length)]), content]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
