/** What can be done with a value wherever one is shown: the same menu in cards, tables and spans. */
import type { SpanDetail } from '../../contract/contract.ts';
import { rootPrefix } from '../../filter/ast.ts';
import { negate } from '../../filter/compose.ts';
import { ask } from '../api/client.ts';
import { range } from '../state/clock.ts';
import { conditionOf, fieldText } from '../state/conditions.ts';
import { afresh, go, state } from '../state/location.ts';
import { both, exemplarPath } from '../state/api-paths.ts';
import type { Box, State } from '../state/url-state.ts';
import { exemplarSchema } from '../../contract/contract.ts';
import type { MenuItem } from './menu.tsx';
import { notify } from './notice.tsx';

export const everything: Box = { fromMs: null, toMs: null, minMs: null, maxMs: null };

/** Opens the trace that stands for a box of the heatmap, or for a condition, or for both. */
export async function openExemplar(box: Box, added = ''): Promise<void> {
  const now = state.peek();
  const outcome = await ask(exemplarSchema, exemplarPath(now, range.peek(), box, added), new AbortController().signal);
  if (outcome.failure === null) {
    // For a root the page picks the span that matters most; a span that was asked for is shown itself.
    go({ traceId: outcome.data.traceId, spanId: now.scope === 'spans' ? outcome.data.spanId : null, find: '' });
  } else {
    notify(
      outcome.failure.status === 404 ? 'No span there any more: the picture has moved on.' : outcome.failure.detail,
    );
  }
}

/** Which spans an action is about, beside the condition that it adds. */
type Question = Pick<State, 'filter' | 'scope'>;

/**
 * The menu of a value.
 * @param filter selects exactly this value; as results carry it.
 * @param about the question that it adds to: that of the page, if no other.
 */
export function valueActions(keys: readonly string[], filter: string, about: Question = state.peek()): MenuItem[] {
  const now = state.peek();
  const lit = now.lit === filter;
  const inTrace = now.traceId !== null;
  const goOn = (change: Partial<State>): void => go({ ...(inTrace ? outOfTrace(now, about) : {}), ...change });
  return [
    {
      label: lit ? 'Stop highlighting its points' : 'Highlight its points in the heatmap',
      run: () => goOn({ lit: lit ? '' : filter, chart: 'heatmap' }),
    },
    { label: 'Show only this', run: () => goOn({ filter: both(about.filter, filter), lit: '', box: null }) },
    { label: 'Exclude this', run: () => goOn({ filter: both(about.filter, negate(filter)), lit: '', box: null }) },
    ...keys.map((key) => ({ label: `Group by ${key}`, run: () => goOn({ by: [key], view: 'groups' }) })),
    ...(inTrace ? [] : [{ label: 'Open a typical trace', run: () => void openExemplar(everything, filter) }]),
  ];
}

/** Leads out of a trace, back to the picture. A selection and a highlight are kept if they are about the same spans. */
function outOfTrace(now: State, { filter, scope }: Question): Partial<State> {
  return {
    traceId: null,
    spanId: null,
    find: '',
    filter,
    scope,
    ...(scope === now.scope ? {} : { box: null, lit: '' }),
    ...(now.view === 'map' || now.view === 'releases' || now.view === 'slo' ? { view: 'compare' } : {}),
  };
}

/** The attribute of an entry span that a person would name it by: a name, else an id, else the span's own name. */
function namingKey(attributes: SpanDetail['attributes']): string {
  const keys = Object.keys(attributes).filter(
    (key) => !/^(db|host|k8s|container|process|os|network|thread)\./.test(key),
  );
  return keys.find((key) => /[._]name$/.test(key)) ?? keys.find((key) => /[._]id$/.test(key)) ?? 'name';
}

/**
 * Leads from a trace to the requests that have a value: the spans with the value, grouped by the attribute that names
 * the entry spans of their traces.
 *
 * @param attributes those of the entry span of this trace.
 */
export function whoGets(key: string, value: string, attributes: SpanDetail['attributes']): Partial<State> {
  return {
    ...afresh(),
    scope: 'spans',
    filter: conditionOf(key, value),
    by: [rootPrefix + namingKey(attributes)],
    view: 'groups',
  };
}

/**
 * Leads from a trace to all spans that have a field, grouped by it: the webinar's "median duration by SQL statement".
 */
export function groupAllSpansBy(key: string): Partial<State> {
  return {
    ...afresh(),
    scope: 'spans',
    filter: `${fieldText(key)} exists`,
    by: [key],
    view: 'groups',
    chart: 'lines',
    measure: 'p50',
    sort: 'p50',
  };
}
