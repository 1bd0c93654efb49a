import type { Scope } from '../../../contract/contract.ts';
import { keyOf, rootPrefix, type Field } from '../../../filter/ast.ts';
import { parseField } from '../../../filter/parse.ts';
import { fieldName } from '../../../filter/print.ts';
import { fieldText } from '../../filter-sql.ts';
import {
  hotAttributes,
  isOfResources,
  ownColumn,
  ownColumnOfRoot,
  rollUpNames,
  toldByResources,
  typedColumn,
} from '../../attributes.ts';
import type { KnownKey } from '../attributes.ts';
import type { Box } from '../population.ts';
import { sql, type Bindable, type Binder, type Sql } from '../../sql.ts';

/** An attribute that is compared by an expression of its own, because it is not simply a key of a MAP. */
export interface Column {
  field: Field;
  /** The field as lists name it: an attribute in quotes if a field has the same name. */
  key: string;
  /** Its value, in the type that it has: counted so, and made text afterwards. */
  value: Sql;
  /** Whether that type is not text. */
  typed: boolean;
  /** Whether the resource gives the value if `value` is NULL. */
  inherits: boolean;
}

/** An attribute that is not compared, and why. */
export interface Exclusion {
  key: string;
  reason: string;
}

/** At most this many keys are known: the most frequent ones. */
export const mostKeys = 5000;
const ids = ['trace.id', 'span.id', 'parent.id'];
/** A duration by its name: the last part says so, or carries a unit of time. */
const durationKey = /(^|[._])(duration|latency|elapsed)$|_(ns|us|ms|seconds)$|^trace\.service_ms\./;
/** Attributes that were chosen by how long something took, and so are no property of the request. */
const chosenByDuration = new Set(['trace.slowest_statement']);

/** Whether a key names a thing: its values are categories even if they are numbers. */
export function isIdKey(key: string): boolean {
  return /(^|[._])id$/.test(key);
}

/**
 * Why an attribute is left out, whatever its values are; undefined if it is compared. If the box bounds the duration,
 * other durations, and attributes that were chosen by duration, only repeat that the selection is slow.
 */
export function exclusionOf(key: string, box: Box): string | undefined {
  if (ids.includes(key)) return 'an id: every span has its own';
  if (box.minMs === undefined && box.maxMs === undefined) return undefined;
  if (durationKey.test(key)) return 'a duration, and the selection was made by duration';
  return chosenByDuration.has(key) ? 'chosen by duration, as the selection was' : undefined;
}

/** The fields that the selection was made by: they differ because of that. */
export function brushed(box: Box): Exclusion[] {
  const fields: Exclusion[] = [];
  if (box.minMs !== undefined || box.maxMs !== undefined) {
    fields.push({ key: 'duration', reason: 'the selection was made by it' });
  }
  if (box.fromMs !== undefined || box.toMs !== undefined) {
    fields.push({ key: 'start', reason: 'the selection was made by it' });
  }
  return fields;
}

/** Attributes with columns of their own, and keys that both spans and resources have. */
export function columnsOf(scope: Scope, known: readonly KnownKey[], box: Box, binder: Binder): Column[] {
  const fields: Field[] = [
    { type: 'field', name: 'name' },
    { type: 'field', name: 'kind' },
    { type: 'field', name: 'status' },
    { type: 'field', name: 'error' },
    ...['status.message', 'scope', 'service.name', 'service.version'].map(intrinsic),
    ...hotKeys(scope, known).map(attribute),
    ...(scope === 'roots' ? rollUpNames : []).map(intrinsic),
    ...known.filter(({ key, place }) => place === 'both' && !isHot(key, scope)).map(({ key }) => attribute(key)),
  ];
  const inherited = new Set(known.filter(({ place }) => place !== 'span').map(({ key }) => key));
  return fields
    .filter((field) => exclusionOf(keyOf(field), box) === undefined)
    .map((field) => {
      const key = fieldName(field);
      if (field.type !== 'attribute') {
        const typed = typedColumn(field.name, scope);
        const value = typed ?? fieldText(field, scope, binder);
        return { field, key, inherits: false, typed: typed !== undefined, value };
      }
      // Only if a resource has the key, and even then not for each span by itself: reading the resource costs a join.
      const inherits = inherited.has(field.key) && isOfResources(field.key);
      return { field, key, inherits, typed: false, value: ownColumn(field.key, scope, binder) };
    });
}

/**
 * What to compare a column with, in the type that it has, to find the text `value` in it; undefined if this type is not
 * known to keep its texts.
 */
export function usualValue({ typed }: Column, value: string): Bindable | undefined {
  if (!typed) return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** The field that a counted row is about: a column, or a key of a MAP. */
export function fieldOf({ given, key }: { given: boolean; key: string }): Field {
  return given ? parseField(key) : attribute(key);
}

/** An attribute of the entry span: `key` as `root.…`, and its value as text of a row `s` of the view `roots`. */
export interface RootColumn {
  key: string;
  value: Sql;
}

/** When all spans are compared, at most this many attributes of their entry spans are compared, too. */
const mostOfRoots = 6;

/**
 * Attributes of the entry spans, for all spans of their traces: names and ids with columns, which say who asked. Entry
 * spans have them already.
 */
export function rootColumnsOf(scope: Scope, known: readonly KnownKey[], box: Box, binder: Binder): RootColumn[] {
  if (scope === 'roots') return [];
  return rootNames(known)
    .filter((key) => exclusionOf(key, box) === undefined)
    .map((key) => ({
      key: fieldName(intrinsic(key)),
      value: ownColumnOfRoot(key.slice(rootPrefix.length), binder),
    }));
}

function rootNames(known: readonly KnownKey[]): string[] {
  const keys = new Set(known.map(({ key }) => key));
  const named = Object.keys(hotAttributes('roots')).filter((key) => keys.has(key) && /[._](name|id)$/.test(key));
  const ofRides = named.filter((key) => !key.startsWith('db.'));
  return ['name', ...ofRides.toSorted((a, b) => Number(isIdKey(a)) - Number(isIdKey(b))).slice(0, mostOfRoots)].map(
    (key) => rootPrefix + key,
  );
}

/** The hot attributes that were ever stored: each one costs time, even if it is empty. */
function hotKeys(scope: Scope, known: readonly KnownKey[]): string[] {
  const keys = new Set(known.map(({ key }) => key));
  return Object.keys(hotAttributes(scope)).filter((key) => keys.has(key) || known.length >= mostKeys);
}

function attribute(key: string): Field {
  return { type: 'attribute', key };
}

function intrinsic(name: string): Field {
  return { type: 'intrinsic', name };
}

export function isHot(key: string, scope: Scope): boolean {
  return Object.hasOwn(hotAttributes(scope), key);
}

/** Keys that are not counted out of the MAP of spans, because they have a column, or are not counted at all. */
export function handledKeys(columns: readonly Column[], scope: Scope): string[] {
  const attributes = columns.filter(({ field }) => field.type === 'attribute').map(({ field }) => keyOf(field));
  return [...new Set([...Object.keys(hotAttributes(scope)), ...attributes])];
}

/** The same of the MAP of resources. */
export function handledOfResources(handled: readonly string[]): string[] {
  return [...handled, ...toldByResources];
}

/** `expression AS c0, expression AS c1, …`, each followed by a comma. */
export function columnList(values: readonly Sql[]): Sql {
  let list = sql``;
  for (const [index, value] of values.entries()) list = sql`${list} ${value} AS ${columnName(index)},`;
  return list;
}

/** The name of the column at a place of the list. */
export function columnName(index: number): Sql {
  if (!Number.isSafeInteger(index)) throw new TypeError('not a place in a list');
  return `c${index}` as Sql;
}
