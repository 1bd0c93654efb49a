/** The two encodings of OTLP/HTTP; an answer comes in the one that was asked in. */
export type Encoding = 'application/x-protobuf' | 'application/json';

/** The encoding of a content type; undefined where it is neither. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'application/x-protobuf' || type === 'application/json' ? type : undefined;
}

/** Names of the member that counts what was rejected, by path. */
const rejectedMember = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' } as const;

/** `Export…ServiceResponse`: empty where everything was taken, as OTLP demands; else with the partial success. */
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
  const message = Buffer.from(reason);
  const partial = Buffer.concat([Buffer.from([0x08, ...varint(rejected), 0x12, ...varint(message.length)]), message]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(partial.length)]), partial]);
}

/** Codes of `google.rpc.Code`. */
export const rpcCodes = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** `google.rpc.Status` */
export function failure(encoding: Encoding, code: number, message: string): Buffer {
  if (encoding === 'application/json') return Buffer.from(JSON.stringify({ code, message }));
  const text = Buffer.from(message);
  return Buffer.concat([Buffer.from([0x08, ...varint(code), 0x12, ...varint(text.length)]), text]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
