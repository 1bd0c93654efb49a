/** Completions for the place of the caret, from what the store has seen. */
import { rootPrefix } from '../../filter/ast.ts';
import { quote } from '../../filter/print.ts';
import {
  type AttributeKey,
  attributeKeysSchema,
  type AttributeValueCount,
  attributeValueCountsSchema,
} from '../../contract/contract.ts';
import { apiPath, ask } from '../api/client.ts';
import { conditionOf, fieldText } from '../state/conditions.ts';
import type { Expected } from './completion.ts';
import { isText, rankKeys } from './rank-keys.ts';

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
  { text: `${rootPrefix}name`, note: 'of the entry span; root.<attribute> is what it has' },
];
/** Built in, too, but seldom wanted: among the others by their name. */
const seldom: Record<string, string> = {
  kind: 'server, client, …',
  status: 'unset, ok, error',
  start: 'an instant',
};
const fixedValues: Record<string, string[]> = {
  error: ['true', 'false'],
  kind: ['server', 'client', 'internal', 'producer', 'consumer'].map((kind) => `"${kind}"`),
  status: ['error', 'ok', 'unset'].map((status) => `"${status}"`),
  duration: ['100ms', '500ms', '1s', '2s'],
};
const most = 30;
/** At most this many keys are known. */
const mostKnown = 1000;
/**
 * A word that begins no key may be a value. The values of this many keys are searched for it, once it has enough
 * letters.
 */
const keysOfWord = 6;
/** How many values of a name are searched for one that contains the word, but does not begin with it. */
const valuesOfName = 200;
const lettersOfWord = 2;

/** The keys in the API's last answer to the question for all of them. */
let knownKeys: AttributeKey[] = [];

/** The keys of the last answer; none before the first one. */
export const keysKnown = (): readonly AttributeKey[] => knownKeys;

/** Asks which keys there are, so that the next letter is completed at once. */
export async function learnKeys(signal: AbortSignal): Promise<void> {
  const outcome = await ask(attributeKeysSchema, apiPath('attributes', { limit: mostKnown }), signal);
  if (outcome.data !== null) knownKeys = outcome.data;
}

/** What may come at the caret, by what is known already, without a request; null if only the API can tell. */
export function suggestAtOnce(expected: Expected, known: readonly AttributeKey[]): Suggestion[] | null {
  if (expected.kind === 'joiner') return plain(['and', 'or']).filter(beginning(expected));
  if (expected.kind === 'operator') return operators(expected.key).filter(beginning(expected));
  if (expected.kind === 'value') {
    const fixed = fixedValues[expected.key];
    return fixed === undefined ? null : plain(fixed).filter(beginning(expected));
  }
  const wanted = expected.prefix.toLowerCase();
  const like = wanted.startsWith(rootPrefix)
    ? ofRoot(known, wanted.slice(rootPrefix.length))
    : known.filter(({ key }) => key.toLowerCase().includes(wanted));
  return [...fields.filter(beginning(expected)), ...offersOf(like, expected.prefix)].slice(0, most);
}

/** What the entry span has, as keys for any span of its trace. */
function ofRoot(known: readonly AttributeKey[], wanted: string): AttributeKey[] {
  return known
    .filter(({ key, spans }) => spans > 0 && key.toLowerCase().includes(wanted))
    .map((attribute) => ({ ...attribute, key: rootPrefix + attribute.key }));
}

function beginning(expected: Expected): (suggestion: Suggestion) => boolean {
  const wanted = expected.prefix.toLowerCase();
  return ({ text }) => text.toLowerCase().replace('"', '').startsWith(wanted);
}

/** At most 30, the most likely first; none if the API does not answer. */
export async function suggest(expected: Expected, signal: AbortSignal): Promise<Suggestion[]> {
  const begins = beginning(expected);
  if (expected.kind === 'key') {
    const keys = [...fields.filter(begins), ...(await keysLike(expected.prefix, signal))];
    const isWord = expected.prefix.length >= lettersOfWord && !keys.some(begins);
    return [...keys, ...(isWord ? await conditionsOn(expected.prefix, signal) : [])].slice(0, most);
  }
  const atOnce = suggestAtOnce(expected, knownKeys);
  if (atOnce !== null) return atOnce;
  const values = await valuesLike(expected.key, expected.prefix, signal);
  return values.map(({ value, spans }) => ({ text: quote(value), note: spansOf(spans) }));
}

async function keysLike(prefix: string, signal: AbortSignal): Promise<Suggestion[]> {
  const outcome = await ask(attributeKeysSchema, apiPath('attributes', { prefix }), signal);
  return offersOf(outcome.data ?? [], prefix);
}

function offersOf(keys: readonly AttributeKey[], prefix: string): Suggestion[] {
  return rankKeys(keys, prefix)
    .filter(({ key }) => !fields.some((field) => field.text === key))
    .map(({ key, spans }) => ({ text: fieldText(key), note: seldom[key] ?? (spans > 0 ? spansOf(spans) : '') }));
}

async function valuesLike(
  key: string,
  prefix: string,
  signal: AbortSignal,
  limit: number = most,
): Promise<AttributeValueCount[]> {
  const path = apiPath(`attributes/${encodeURIComponent(key)}/values`, { prefix, limit });
  return (await ask(attributeValueCountsSchema, path, signal)).data ?? [];
}

/**
 * The API finds values that begin with a word. Values that contain it further on are looked for among the most frequent
 * ones.
 */
async function valuesWith(key: string, word: string, signal: AbortSignal): Promise<AttributeValueCount[]> {
  const values = await valuesLike(key, word, signal);
  if (values.length > 0 || !/(^|[._])name$/.test(key)) return values;
  const wanted = word.toLowerCase();
  const all = await valuesLike(key, '', signal, valuesOfName);
  return all.filter(({ value }) => value.toLowerCase().includes(wanted));
}

/** Whole conditions for a word that is not a key: values that have it, then texts that hold it. */
async function conditionsOn(word: string, signal: AbortSignal): Promise<Suggestion[]> {
  const outcome = await ask(attributeKeysSchema, apiPath('attributes', {}), signal);
  const keys = rankKeys(outcome.data ?? [], '')
    .filter(isText)
    .slice(0, keysOfWord)
    .map(({ key }) => key);
  const found = await Promise.all(
    ['name', 'service', ...keys].map(async (key) => ({ key, values: await valuesWith(key, word, signal) })),
  );
  const equal = found.flatMap(({ key, values }) =>
    values.map(({ value, spans }) => ({ text: conditionOf(key, value), spans })),
  );
  return [
    ...equal.toSorted((a, b) => b.spans - a.spans).map(({ text, spans }) => ({ text, note: spansOf(spans) })),
    ...found
      .filter(({ key, values }) => key === 'name' || values.length > 0)
      .map(({ key }) => ({ text: `${fieldText(key)} contains ${quote(word)}`, note: 'has the text within' })),
  ];
}

/**
 * The condition that bare words most likely mean, such as `hotrod.customer.name = "Value Walking"`; null if none is
 * found.
 */
export async function conditionMeant(words: string, signal: AbortSignal): Promise<string | null> {
  if (words.length < lettersOfWord) return null;
  return (await conditionsOn(words, signal)).find(({ text }) => text.includes(' = '))?.text ?? null;
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
