import type { Customer, Ride } from './api.ts';

/** What a ride's span is told when its ride ends. */
export type RideEnd = { ride: Ride } | { errorType: string; detail: string };

/** One ordered ride, from the click to the answer. */
export interface RideSpan {
  /** The trace the ride is part of, 32 hex digits; undefined if nothing is traced. */
  readonly traceId: string | undefined;
  /** Calls `start` so that the request it sends is a child of this span. Only its synchronous part counts. */
  run<T>(start: () => T): T;
  end(end: RideEnd): void;
}

/** What the page tells about itself. Nothing in here throws: a page that cannot be traced is still a page. */
export interface PageTelemetry {
  /** Calls `start` so that the request it sends joins the trace in which the server served this document. */
  inDocument<T>(start: () => T): T;
  startRide(customer: Customer, requestId: string): RideSpan;
}

/** What is known of the release once /config has answered. */
export interface Release {
  release: string;
  revision: string | null;
  environment: string;
}

/** The page's telemetry if tracing could not be set up. */
export const noTelemetry: PageTelemetry = {
  inDocument: (start) => start(),
  startRide: () => ({ traceId: undefined, run: (start) => start(), end: () => {} }),
};
