import type { Scope } from '../api/contract.ts';
import type { Field } from '../filter/ast.ts';
import { fieldText } from '../filter/sql.ts';
import {
  hotAttributes,
  intrinsicAttributes,
  isOfResources,
  ownColumn,
  rollUpAttributes,
  typedColumn,
} from './attributes.ts';
import type { KnownKey } from './queries/attributes.ts';
import type { Box } from './queries/population.ts';
import { sql, type Binder, type Sql } from './sql.ts';

/** An attribute that is compared by an expression of its own, because it is not simply a key of a MAP. */
export interface Column {
  field: Field;
  key: string;
  /** Its value, in the type that it has: counted so, and made text afterwards. */
  value: Sql;
  /** Whether a resource tells its value where `value` is NULL. */
  inherits: boolean;
}

/** An attribute that is not compared, and why. */
export interface Exclusion {
  key: string;
  reason: string;
}

/** So many keys are known at most: the most frequent. */
export const MOST_KEYS = 5000;
const IDS = ['trace.id', 'span.id', 'parent.id'];
/** A duration by its name: the last part says so, or carries a unit of time. */
const DURATION_KEY = /(^|[._])(duration|latency|elapsed)$|_(ns|us|ms|seconds)$|^trace\.service_ms\./;
/** Chosen by how long something took, so no property of the request. */
const CHOSEN_BY_DURATION = new Set(['trace.slowest_statement']);

/** Whether a key names a thing: its values are categories even where they are numbers. */
export function isIdKey(key: string): boolean {
  return /(^|[._])id$/.test(key);
}

/**
 * Why an attribute is left out whatever its values are; undefined where it is compared. Where the box bounds the
 * duration, other durations and what was chosen by them only say again that the selection is slow.
 */
export function exclusionOf(key: string, box: Box): string | undefined {
  if (IDS.includes(key)) return 'an id: every span has its own';
  if (box.minMs === undefined && box.maxMs === undefined) return undefined;
  if (DURATION_KEY.test(key)) return 'a duration, and the selection was made by duration';
  return CHOSEN_BY_DURATION.has(key) ? 'chosen by duration, as the selection was' : undefined;
}

/** What was brushed: it differs because it was made to. */
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
    ...['status.message', 'scope', 'service.name', 'service.version'].map(attribute),
    ...hotKeys(scope, known).map(attribute),
    ...(scope === 'roots' ? Object.keys(rollUpAttributes).map(attribute) : []),
    ...known.filter((key) => key.place === 'both' && !isOwnColumn(key.key, scope)).map((key) => attribute(key.key)),
  ];
  const inherited = new Set(known.filter(({ place }) => place !== 'span').map(({ key }) => key));
  const columns = fields.map((field) => ({ field, key: field.type === 'field' ? field.name : field.key }));
  return columns
    .filter(({ key }) => exclusionOf(key, box) === undefined)
    .map(({ field, key }) => {
      if (field.type === 'field' || isGiven(key)) {
        const value = typedColumn(key, scope) ?? fieldText(field, scope, binder);
        return { field, key, inherits: false, value };
      }
      // Only where a resource has the key, and even then not for each span by itself: a look at it costs a join.
      return { field, key, inherits: inherited.has(key) && isOfResources(key), value: ownColumn(key, scope, binder) };
    });
}

/** Of the hot attributes those that were ever stored: each costs, though it be empty. */
function hotKeys(scope: Scope, known: readonly KnownKey[]): string[] {
  const keys = new Set(known.map(({ key }) => key));
  return Object.keys(hotAttributes(scope)).filter((key) => keys.has(key) || known.length >= MOST_KEYS);
}

function attribute(key: string): Field {
  return { type: 'attribute', key };
}

/** Whether every span has it, or every entry span, whatever was sent. */
function isGiven(key: string): boolean {
  return [intrinsicAttributes, rollUpAttributes].some((table) => Object.hasOwn(table, key));
}

export function isOwnColumn(key: string, scope: Scope): boolean {
  return isGiven(key) || Object.hasOwn(hotAttributes(scope), key);
}

/** Keys that are not counted out of the MAPs, because a column tells them or nobody does. */
export function handledKeys(columns: readonly Column[], scope: Scope): string[] {
  const named = ['status.message', 'scope', 'service.name', 'service.version', 'parent.id'];
  const attributes = columns.filter(({ field }) => field.type === 'attribute').map(({ key }) => key);
  return [...new Set([...named, ...Object.keys(hotAttributes(scope)), ...attributes])];
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
