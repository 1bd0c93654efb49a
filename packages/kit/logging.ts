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
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino({ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
