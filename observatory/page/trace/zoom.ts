/** The part of a trace that the waterfall shows, milliseconds from its start. */
export interface Zoom {
  from: number;
  to: number;
}
