import type { Dispatch } from './dispatches.ts';

/** The services whose releases a dispatch tells: the frontend by `service.version`, the others by `hotrod.release.*`. */
export const releasedServices = ['frontend', 'customer', 'driver', 'route'] as const;
export type ReleasedService = (typeof releasedServices)[number];

/** Which release of which service: all of them have to hold. */
export type Versions = Readonly<Partial<Record<ReleasedService, string>>>;

/** The times of both releases, Unix milliseconds. */
export interface Ranges {
  baseline: { fromMs: number; toMs: number };
  candidate: { fromMs: number; toMs: number };
}

/** Answers questions about dispatches. */
export interface DispatchSource {
  /** For messages. */
  name: string;
  /**
   * The dispatches that these releases served, in order of time. If `unclaimed` is true, those that failed before any
   * service said its release count to whoever is asked for: a release that does not answer at all must not look healthy.
   *
   * @param fromMs,toMs Unix milliseconds; the beginning of a dispatch counts.
   * @returns at most `mostDispatches`, the latest.
   */
  dispatches(versions: Versions, fromMs: number, toMs: number, unclaimed: boolean): Promise<Dispatch[]>;
  /** The releases of a service that served dispatches within a time, the last one to do so first. */
  releases(service: ReleasedService, fromMs: number, toMs: number): Promise<{ version: string; lastMs: number }[]>;
  /** A page that shows two releases side by side; null if there is none. */
  compareLink(versions: { baseline: Versions; candidate: Versions }, ranges: Ranges): string | null;
  /**
   * The bounds between which durations are known, milliseconds, ascending. A source of histograms knows of each dispatch
   * only which two of these its duration lies between. Null if it knows the duration.
   */
  limitsMs(): readonly number[] | null;
}

/** How many dispatches of a release are looked at. More make no verdict surer. */
export const mostDispatches = 6_000;

/** The attribute of a dispatch's root span that tells the release of a service. */
export function releaseAttribute(service: ReleasedService): string {
  return service === 'frontend' ? 'service.version' : `hotrod.release.${service}`;
}
