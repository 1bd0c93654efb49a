import { styleText } from 'node:util';

import type { LoadStatus, SuiteStatus } from './control.ts';

/** One row: what, where, how. */
export type Row = readonly [name: string, place: string, state: string];

/** Colours if a person looks at a terminal; plain text elsewhere. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** Rows in columns as wide as they need to be. */
export function renderTable(rows: readonly Row[], paint: Paint): string {
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const placeWidth = Math.max(...rows.map(([, place]) => place.length));
  return rows
    .map(([name, place, state]) =>
      `  ${paint('bold', name.padEnd(nameWidth))}  ${paint('cyan', place.padEnd(placeWidth))}  ${paint(stateStyle(state), state)}`.trimEnd(),
    )
    .join('\n');
}

function stateStyle(state: string): 'green' | 'yellow' | 'gray' {
  const [word = ''] = state.split(',');
  if (word === 'ready') return state.includes('restarted') ? 'gray' : 'green';
  return ['starting', 'restarting', 'not ready'].includes(word) ? 'yellow' : 'gray';
}

/** The suite as rows: the Observatory first, because people look there; the database without its password. */
export function suiteRows(status: SuiteStatus, telemetryTo: string | null): Row[] {
  const rows: Row[] = status.processes.map(({ name, url, state, restarts, release }) => [
    name,
    url,
    [
      state,
      ...(release === undefined ? [] : [`release ${release}`]),
      ...(restarts === 0 ? [] : [`restarted ${restarts === 1 ? 'once' : `${restarts} times`}`]),
    ].join(', '),
  ]);
  if (telemetryTo !== null) rows.push(['telemetry', telemetryTo, telemetryTo.includes('://') ? 'OTLP' : '']);
  if (status.load) rows.push(['load', describeLoad(status.load), '']);
  return rows;
}

/** What the load is, in a few words. */
export function describeLoad(load: LoadStatus): string {
  const rate = `${Number(load.ratePerSecond.toFixed(2))} dispatches/s`;
  if (load.engine === 'k6') return `k6, ${load.profile === null ? rate : `profile ${load.profile}`}`;
  if (load.profile !== null) return `profile ${load.profile}, now ${rate}`;
  return load.ratePerSecond === 0 ? 'none' : rate;
}

/** What came of the load, in one line. */
export function describeCounts(load: LoadStatus): string {
  const parts = [`${load.sent} dispatches`, `${load.failed} failed`];
  if (load.dropped > 0) parts.push(`${load.dropped} not sent (too many under way)`);
  if (load.ok > 0) {
    parts.push(
      `half within ${duration(load.p50Ms)}`,
      `95 % within ${duration(load.p95Ms)} (normal customers ${duration(load.normalP95Ms)})`,
    );
  }
  return parts.join(', ');
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}
