import type { AttributeKey, AttributeValueCount } from '../../contract/contract.ts';
import { builtInFields, intrinsicNames, rootPrefix, type BuiltInField, type Field } from '../../filter/ast.ts';
import { fieldName } from '../../filter/print.ts';
import { fieldText } from '../filter-sql.ts';
import { toldByResources } from '../attributes.ts';
import { createBinder } from '../sql.ts';
import { askRows, populationSql, type Asking, type Population } from './population.ts';
import { longestValue } from './values.ts';

export interface KnownKey {
  /** The attribute's own name, without quotes. */
  key: string;
  type: AttributeKey['type'];
  spans: number;
  /** Who has it. */
  place: 'span' | 'resource' | 'both';
}

interface KeyRow {
  key: string;
  spans: number;
  strings: number;
  numbers: number;
  booleans: number;
  others: number;
  place: KnownKey['place'];
}

function typeOf(row: KeyRow): AttributeKey['type'] {
  if (row.numbers === row.spans) return 'number';
  if (row.booleans === row.spans) return 'boolean';
  return row.numbers + row.booleans === 0 ? 'string' : 'mixed';
}

/** The keys of attributes that were ever stored, the most frequent first. `text` is looked for anywhere in them. */
export async function askKnownKeys(asking: Asking, text: string, limit: number): Promise<KnownKey[]> {
  const binder = createBinder();
  const fragments = { text: binder.bind(text.toLowerCase()), limit: binder.bind(limit) };
  const rows = await askRows<KeyRow>(asking, 'attribute-list', binder, fragments, true);
  return rows.map((row) => ({ key: row.key, type: typeOf(row), spans: row.spans, place: row.place }));
}

const builtInTypes: Readonly<Partial<Record<BuiltInField, AttributeKey['type']>>> = {
  duration: 'number',
  error: 'boolean',
};

/** What every span has, or every entry span, whatever was sent: name and type. */
function givenKeys(): { key: string; type: AttributeKey['type'] }[] {
  const fields = builtInFields.map((key) => ({ key, type: builtInTypes[key] ?? ('string' as const) }));
  const numbers = /_(ms|count)$/;
  const intrinsic = intrinsicNames.map((key) => ({
    key,
    type: numbers.test(key) ? ('number' as const) : ('string' as const),
  }));
  return [...fields, ...intrinsic];
}

/**
 * Keys for completion: what every span has first, then attributes by frequency. `text` is looked for anywhere in the
 * key; keys that begin with it come before others.
 */
export async function askAttributeKeys(asking: Asking, text: string, limit: number): Promise<AttributeKey[]> {
  const wanted = text.toLowerCase();
  if (wanted.startsWith(rootPrefix)) return askRootKeys(asking, wanted.slice(rootPrefix.length), limit);
  const known = await askKnownKeys(asking, wanted, limit);
  const counted = new Map(known.map((attribute) => [attribute.key, attribute.spans]));
  const given = givenKeys().filter(({ key }) => key.toLowerCase().includes(wanted));
  // An attribute with the name of one of these is a different one and is listed in quotes, unless it has the same
  // value.
  const others = known.filter(({ key, place }) => place !== 'resource' || !toldByResources.includes(key));
  const keys = [
    ...given.map(({ key, type }) => ({
      key,
      type,
      spans: toldByResources.includes(key) ? (counted.get(key) ?? 0) : 0,
    })),
    ...others.map(({ key, type, spans }) => ({ key: fieldName({ type: 'attribute', key }), type, spans })),
  ];
  const begins = (key: string): number => (key.toLowerCase().replace('"', '').startsWith(wanted) ? 0 : 1);
  return keys.toSorted((left, right) => begins(left.key) - begins(right.key)).slice(0, limit);
}

/** What can be asked of the entry span from any span of its trace: `root.` before each of its attributes. */
async function askRootKeys(asking: Asking, text: string, limit: number): Promise<AttributeKey[]> {
  const known = await askKnownKeys(asking, text, limit);
  return known.map(({ key, type, spans }) => ({ key: rootPrefix + key, type, spans }));
}

/** The most frequent values of a field in a population that begin with `prefix`, in any case. */
export async function askAttributeValues(
  asking: Asking,
  population: Population,
  field: Field,
  prefix: string,
  limit: number,
): Promise<AttributeValueCount[]> {
  const { binder, view, where } = populationSql(population);
  return askRows<AttributeValueCount>(asking, 'attribute-values', binder, {
    view,
    where,
    value: fieldText(field, population.scope, binder),
    longest: binder.bind(longestValue),
    text: binder.bind(prefix.toLowerCase()),
    limit: binder.bind(limit),
  });
}
