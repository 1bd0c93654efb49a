import type { OpenMarker } from './place.ts';

/** Which markers that nobody ended are to be ended. */
export interface SweepRule {
  nowSeconds: number;
  /** Only those that are at least so old, seconds. Ignored if `runs` names whose they are. */
  olderThanSeconds: number;
  /** Only those of these runs, of any age; empty for those of every run. */
  runs: readonly string[];
  /** Never those of these runs: they go on. */
  except: readonly string[];
}

export function isAbandoned(marker: OpenMarker, rule: SweepRule): boolean {
  if (rule.except.includes(marker.run)) return false;
  if (rule.runs.length > 0) return rule.runs.includes(marker.run);
  return rule.nowSeconds - marker.start_time >= rule.olderThanSeconds;
}

/** What an ended marker says that its run did not end. */
export function abandonedMessage(message: string): string {
  return `${message}, not finished`;
}
