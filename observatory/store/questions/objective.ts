/** When the budget of an objective burns too fast: over a long window, and still over a short one. */
export interface BurnCondition {
  severity: 'page' | 'ticket';
  /** 1 spends the budget exactly by the end of the objective's window. */
  burnRate: number;
  longMs: number;
  shortMs: number;
  /** How long it must hold before the alert fires. */
  afterMs: number;
}

/** The alert of an objective, the same by name and labels as that of Prometheus. */
export interface ObjectiveAlert {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** A file of docs/runbooks, without its ending. */
  runbook: string;
  conditions: readonly BurnCondition[];
}

/** What is promised of entry spans. */
export interface Objective {
  name: string;
  description: string;
  /** Which entry spans count, and which of them are good: in the filter language. */
  filter: string;
  good: string;
  /** The ratio of good ones promised, above 0 and below 1. */
  objective: number;
  windowMs: number;
  /** What is alerted on; nothing without. */
  alert?: ObjectiveAlert | undefined;
}
