/** Completions for the place of the caret, from what the store has seen. */
import { quote } from '../../filter/print.ts';
import type { AttributeKey, AttributeValueCount } from '../../api/contract.ts';
import { apiPath, ask } from '../api/client.ts';
import { fieldText } from '../state/conditions.ts';
import type { Expected } from './completion.ts';

export interface Suggestion {
  text: string;
  /** How often it occurs, or what it means. */
  note: string;
}

const fields: Suggestion[] = [
  { text: 'duration', note: 'how long, such as > 2s' },
  { text: 'service', note: 'which service' },
  { text: 'name', note: 'of the span' },
  { text: 'error', note: 'true or false' },
  { text: 'kind', note: 'server, client, …' },
  { text: 'status', note: 'unset, ok, error' },
];
const fixedValues: Record<string, string[]> = {
  error: ['true', 'false'],
  kind: ['server', 'client', 'internal', 'producer', 'consumer'].map((kind) => `"${kind}"`),
  status: ['error', 'ok', 'unset'].map((status) => `"${status}"`),
  duration: ['100ms', '500ms', '1s', '2s'],
};
const most = 12;

/** At most 12, those seen most often first; none where the API does not answer. */
export async function suggest(expected: Expected, signal: AbortSignal): Promise<Suggestion[]> {
  const wanted = expected.prefix.toLowerCase();
  const begins = ({ text }: Suggestion): boolean => text.toLowerCase().replace('"', '').startsWith(wanted);
  if (expected.kind === 'joiner') return plain(['and', 'or']).filter(begins);
  if (expected.kind === 'operator') return operators(expected.key).filter(begins);
  if (expected.kind === 'key') {
    const outcome = await ask<AttributeKey[]>(apiPath('attributes', { prefix: expected.prefix }), signal);
    const keys = (outcome.data ?? []).map(({ key, spans }) => ({ text: fieldText(key), note: spansOf(spans) }));
    const own = fields.filter(begins);
    return [...own, ...keys.filter(({ text }) => !own.some((field) => field.text === text))].slice(0, most);
  }
  const fixed = fixedValues[expected.key];
  if (fixed !== undefined) return plain(fixed).filter(begins);
  const path = apiPath(`attributes/${encodeURIComponent(expected.key)}/values`, { prefix: expected.prefix });
  const outcome = await ask<AttributeValueCount[]>(path, signal);
  return (outcome.data ?? []).slice(0, most).map(({ value, spans }) => ({ text: quote(value), note: spansOf(spans) }));
}

function operators(key: string): Suggestion[] {
  if (key === 'duration') return plain(['>', '>=', '<', '<=']);
  if (key === 'error') return plain(['=', '!=']);
  return [
    { text: '=', note: 'is' },
    { text: '!=', note: 'is not' },
    { text: 'contains', note: 'has the text within' },
    { text: 'matches', note: 'a regular expression' },
    { text: 'exists', note: 'has any value' },
    { text: '!exists', note: 'has none' },
    { text: 'in', note: 'one of ("a", "b")' },
    { text: '>', note: 'more than' },
    { text: '<', note: 'less than' },
  ];
}

const plain = (texts: string[]): Suggestion[] => texts.map((text) => ({ text, note: '' }));
const spansOf = (spans: number): string => `${spans.toLocaleString('en')} span${spans === 1 ? '' : 's'}`;
