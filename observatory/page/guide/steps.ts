/** The steps of the story, for a reader without a guide: what to do next, and when that is done. Pure. */
import type { State } from '../state/url-state.ts';

export interface Step {
  text: string;
  /** Whether the page shows what this step asks for. */
  isDone(state: State): boolean;
}

export const steps: readonly Step[] = [
  {
    text: 'Two bands: most rides are quick, some are not. Which? Draw a box round the slow ones, or let the page select them.',
    isDone: ({ box, by, traceId }) => box !== null || by.length > 0 || traceId !== null,
  },
  {
    text: 'What differs most comes first. Click the first value, and group by it.',
    isDone: ({ by }) => by.length > 0,
  },
  {
    text: 'Is it these alone? Click a point of the slow band: its trace opens.',
    isDone: ({ traceId }) => traceId !== null,
  },
  {
    text: 'The longest bar is one SQL statement. Make slowCustomerFactor 1 in services/customer/config.ts, commit, and push (docs/push.md).',
    isDone: ({ view }) => view === 'releases',
  },
  {
    text: 'The verdict on the release comes a minute after the push. Next, a fault to find: “npm run faults -- mystery”.',
    isDone: () => false,
  },
];

/** How far the reader has got: the next step, if what the shown step asks for is done. It never goes back. */
export function advance(step: number, state: State): number {
  return steps[step]?.isDone(state) === true ? Math.min(step + 1, steps.length - 1) : step;
}

/** Reads what is kept in the browser: a step, or that the guide is put away; anything else means the beginning. */
export function parseKept(kept: string | null): number | 'away' {
  if (kept === 'away') return 'away';
  const step = Number(kept ?? 0);
  return Number.isInteger(step) && step >= 0 && step < steps.length ? step : 0;
}
