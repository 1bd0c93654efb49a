/** What a backend may take or not: Jaeger, for one, takes traces alone. */
export type Signal = 'traces' | 'metrics' | 'logs';

/** Tells a person what becomes of the telemetry that goes to one backend. */
export interface Reachability {
  /**
   * @param refused whether the backend answered, and took only this signal not; else nobody answered at all.
   */
  failed(signal: Signal, reason: string, refused: boolean): void;
  succeeded(signal: Signal): void;
}

/**
 * Says once that telemetry cannot be delivered and once that it can again, whatever number of signals and batches
 * fail in between; and the same for a signal that a reachable backend refuses. An application must neither slow down
 * nor fill its log because nobody takes its telemetry.
 */
export function createReachability(endpoint: string, say: (line: string) => void): Reachability {
  let unreachable = false;
  const refusedSignals = new Set<Signal>();
  return {
    failed(signal, reason, refused) {
      if (refused) {
        if (refusedSignals.has(signal)) return;
        refusedSignals.add(signal);
        say(
          `${endpoint} does not take ${signal} (${reason}). The service runs on; ${signal} are dropped until it does.`,
        );
      } else {
        if (unreachable) return;
        unreachable = true;
        say(
          `Telemetry cannot be delivered to ${endpoint} (${reason}). The service runs on; telemetry is dropped until it can.`,
        );
      }
    },
    succeeded(signal) {
      if (unreachable) {
        unreachable = false;
        say(`Telemetry is delivered to ${endpoint} again.`);
      }
      if (refusedSignals.delete(signal)) say(`${endpoint} takes ${signal} again.`);
    },
  };
}
