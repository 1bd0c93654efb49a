/** A fault for practice: a process with a wrong clock. Only its spans are wrong; timers and logs keep the right time. */
import type { SpanProcessor } from '@opentelemetry/sdk-trace';

let skewMs = 0;

/** From now on, spans that end seem to have been `milliseconds` later (earlier if it is negative); 0 is the truth. */
export function setClockSkew(milliseconds: number): void {
  skewMs = milliseconds;
}

/** Moves spans in time as {@link setClockSkew} says. It stands before the processors that export. */
export function createClockSkew(): SpanProcessor {
  return {
    onStart: () => {},
    onEnd(span) {
      if (skewMs === 0) return;
      // The SDK offers no way to set the times of spans that instrumentations start, so they are moved in place.
      const seconds = Math.round(skewMs / 1000);
      for (const time of [span.startTime, span.endTime, ...span.events.map((event) => event.time)]) time[0] += seconds;
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
