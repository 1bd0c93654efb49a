/** What a marker says, by the names of Honeycomb's API: instants are Unix seconds. */
export interface MarkerFields {
  start_time: number;
  end_time?: number;
  message: string;
  type: string;
  url?: string;
}

/** A marker at one place, with all that is needed to end it: what {@link MarkerPlace.open} answers. */
export interface OpenMarker extends MarkerFields {
  /** The place's own id of it; empty if the place gives none. */
  id: string;
  /** The pipeline's run that opened it. */
  run: string;
}

/** Where markers are shown: Honeycomb, the Observatory, Grafana, or whoever listens to a webhook. */
export interface MarkerPlace {
  /** For messages: the kind and the origin, never a path, which may be a secret. */
  name: string;
  /** Draws a marker that begins and has not ended. @throws Error with one line if it cannot. */
  open(fields: MarkerFields, run: string): Promise<OpenMarker>;
  /** Draws a window that is over already, of no run. @throws Error with one line if it cannot. */
  mark(fields: MarkerFields): Promise<void>;
  /** Ends a marker. @throws Error with one line if it cannot. */
  close(marker: OpenMarker, endTime: number): Promise<void>;
  /**
   * The markers that a program like this one opened and nobody ended. Absent if a place cannot be asked.
   * @throws Error with one line.
   */
  listOpen?(): Promise<OpenMarker[]>;
}

/** What a run's id may be: short, and of characters that need no escape anywhere. */
export function isRunId(text: string): boolean {
  return /^[\w.:-]{1,64}$/.test(text);
}

/** A message that tells whose marker it is: places have no field for it. */
export function messageOfRun(message: string, run: string): string {
  return `${message} (run ${run})`;
}

/** The run that {@link messageOfRun} wrote; null for a marker of somebody else. */
export function runOfMessage(message: string): string | null {
  return / \(run ([\w.:-]{1,64})\)$/.exec(message)?.[1] ?? null;
}
