import { writeSync } from 'node:fs';

import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/**
 * A logger that writes one JSON object a line, synchronously: a demo's last words before a crash are the ones that
 * matter. Trace ids are added by the preload's instrumentation of pino, not here.
 *
 * @param destination standard output unless told.
 */
export function createLogger(
  service: string,
  level: string,
  destination: DestinationStream = createLineWriter(1),
): Logger {
  return pino({ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** How long a line waits for a reader who is slow (a full pipe), in milliseconds; then it is lost. */
const slowReaderMs = 1_000;

/**
 * Writes lines to a descriptor and outlives what happens to it: when the disk is full, or the reader has gone, lines
 * are lost, but the service goes on. When there is room again, the log says how many lines were lost, and why.
 *
 * @param write for tests: writes a part of the bytes and returns how many, as `fs.writeSync` does.
 */
export function createLineWriter(
  descriptor: number,
  write: (descriptor: number, bytes: Buffer) => number = writeSync,
): DestinationStream {
  let lost = 0;
  let reason = '';
  /** Whether a line was cut off because there was no more room. The rest of that line is lost. */
  let inMidLine = false;

  /** @throws the system's error, after it has written as much as there was room for. */
  function writeAll(text: string): void {
    const untilMs = performance.now() + slowReaderMs;
    for (let bytes = Buffer.from(text); bytes.length > 0;) {
      try {
        bytes = bytes.subarray(write(descriptor, bytes));
        inMidLine = bytes.length > 0;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || performance.now() > untilMs) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  return {
    write(line) {
      try {
        if (inMidLine) writeAll('\n');
        if (lost > 0) {
          const msg = `${lost} log lines could not be written (${reason}) and are lost`;
          writeAll(`${JSON.stringify({ level: 40, time: new Date().toISOString(), msg })}\n`);
          lost = 0;
        }
        writeAll(line);
      } catch (error) {
        lost += 1;
        reason = codeOf(error);
      }
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
