import { promotedAttributes, type TypeLetter } from './attributes.ts';

/** The type of a value that became text; '' is a string (schema.sql, `types`). */
export type ValueType = TypeLetter | '';

/**
 * The keys of a set of attributes, in order, with the type of each value. Spans of one kind share theirs, so what
 * depends on the keys alone is worked out once a kind instead of once a span.
 */
export interface Shape {
  readonly parent: Shape | null;
  readonly key: string;
  readonly type: ValueType;
  /** Place of its column among those of hot attributes, or -1 where the value is one of `AttributeSet.values`. */
  readonly slot: number;
  /** Longer shapes: by type, then by key. A key that the shape already has leads back to the shape itself. */
  readonly next: Map<ValueType, Map<string, Shape>>;
  /** The longer shape that was asked for last: mostly the one that is asked for next. */
  last: Shape | null;
  /** Worked out when first asked for. */
  text: ShapeText | null;
}

export interface ShapeText {
  /** Of the values that go to the MAP. */
  keys: readonly string[];
  /** The same, joined by the usual separator; null where there are none. */
  joinedKeys: string | null;
  /** As schema.sql says; null where all values are strings. */
  types: string | null;
  /** The values that go to columns, in the order of the columns. */
  promoted: readonly PromotedValue[];
}

export interface PromotedValue {
  /** Of its column. */
  slot: number;
  /** Its place in `AttributeSet.promoted`. */
  index: number;
  /** As many of the usual separator as there are columns from the one before. */
  gap: string;
}

/** Attributes of one span, log, point or resource, ready for the store. */
export interface AttributeSet {
  shape: Shape;
  /** Of the keys of `shapeText(shape).keys`, in that order, joined by `separator`: one text is cheap to keep and pass on. */
  values: string;
  /** Is in none of the keys and values. */
  separator: string;
  /** Of the keys that have columns, in the order of the shape; `shapeText(shape).promoted` tells which is which. */
  promoted: readonly string[];
}

/** ASCII's unit separator: it is in next to no text, and where it is, another is found. */
export const usualSeparator = '\u001f';

const slots = new Map(Object.keys(promotedAttributes).map((key, index) => [key, index]));
const dbQueryText = slots.get('db.query.text') ?? -1;
const nonePromoted: readonly string[] = [];

export function queryText(attributes: AttributeSet): string | null {
  return promotedText(attributes, dbQueryText) ?? null;
}

function promotedText({ shape, promoted }: AttributeSet, slot: number): string | undefined {
  const found = shapeText(shape).promoted.find((value) => value.slot === slot);
  return found && promoted[found.index];
}

/** The value of a key as text; undefined where missing. */
export function attributeText(attributes: AttributeSet, key: string): string | undefined {
  const slot = slots.get(key);
  const promoted = slot === undefined ? undefined : promotedText(attributes, slot);
  if (promoted !== undefined) return promoted;
  const index = shapeText(attributes.shape).keys.indexOf(key);
  return index < 0 ? undefined : attributes.values.split(attributes.separator)[index];
}

/** The keys of a set, joined as its values are; null where there are none. */
export function joinedKeys({ shape, separator }: AttributeSet): string | null {
  const { keys, joinedKeys: joined } = shapeText(shape);
  return separator === usualSeparator || joined === null ? joined : keys.join(separator);
}

/** The separator of a set where it is not the usual one, which staging.sql knows. */
export function unusualSeparator({ separator }: AttributeSet): string | null {
  return separator === usualSeparator ? null : separator;
}

export function shapeText(shape: Shape): ShapeText {
  shape.text ??= textOf(shape);
  return shape.text;
}

function textOf(shape: Shape): ShapeText {
  const keys: string[] = [];
  const types: [string, string][] = [];
  const promotedSlots: number[] = [];
  for (let node = shape; node.parent; node = node.parent) {
    if (node.slot < 0) keys.push(node.key);
    else promotedSlots.push(node.slot);
    if (node.type !== '') types.push([node.key, node.type]);
  }
  keys.reverse();
  let before = -1;
  const promoted = promotedSlots
    .toReversed()
    .map((slot, index) => ({ slot, index }))
    .toSorted((left, right) => left.slot - right.slot)
    .map(({ slot, index }) => {
      const gap = usualSeparator.repeat(slot - before);
      before = slot;
      return { slot, index, gap };
    });
  return {
    keys,
    joinedKeys: keys.length > 0 ? keys.join(usualSeparator) : null,
    types: types.length > 0 ? JSON.stringify(Object.fromEntries(types.toReversed())) : null,
    promoted,
  };
}

/** Takes one attribute after another, then tells the set. One builder serves one set at a time. */
export interface AttributeBuilder {
  /** The first value of a key holds; OTLP forbids a second. */
  add(key: string, text: string, type: ValueType): void;
  finish(): AttributeSet;
  /** Forgets a set that was begun: what came with it was malformed. */
  clear(): void;
}

/** A thousand unique keys a span must not fill the memory: beyond this many shapes, they are all forgotten. */
const shapeLimit = 20_000;

/** @param promote whether hot attributes go to columns of their own: so for spans, not for resources, logs, points. */
export function createAttributeBuilder(promote: boolean): AttributeBuilder {
  let count = 0;
  let empty = newShape(null, '', '', -1);
  let shape = empty;
  let values: string[] = [];
  let promoted: string[] = [];
  // Whether the usual separator is in a key or value.
  let awkward = false;

  function extend(key: string, type: ValueType): Shape {
    const { last } = shape;
    // Keys are mostly the very same string, which makes this a comparison of addresses.
    if (last && last.key === key && last.type === type) return last;
    let byKey = shape.next.get(type);
    if (!byKey) shape.next.set(type, (byKey = new Map()));
    let next = byKey.get(key);
    if (!next) {
      count += 1;
      next = hasKey(shape, key) ? shape : newShape(shape, key, type, promote ? (slots.get(key) ?? -1) : -1);
      byKey.set(key, next);
    }
    if (next !== shape) shape.last = next;
    return next;
  }

  function clear(): void {
    shape = empty;
    values = [];
    promoted = [];
    awkward = false;
  }

  return {
    add(key, text, type) {
      const next = extend(key, type);
      if (next === shape) return;
      shape = next;
      if (next.slot < 0) {
        values.push(text);
        if (text.includes(usualSeparator) || key.includes(usualSeparator)) awkward = true;
      } else promoted.push(text);
    },
    finish() {
      const separator = awkward ? unusedSeparator([...shapeText(shape).keys, ...values]) : usualSeparator;
      const set: AttributeSet = {
        shape,
        values: values.join(separator),
        separator,
        promoted: promoted.length > 0 ? promoted : nonePromoted,
      };
      if (count > shapeLimit) {
        count = 0;
        empty = newShape(null, '', '', -1);
      }
      clear();
      return set;
    },
    clear,
  };
}

/** A separator that is in none of the texts. */
export function unusedSeparator(texts: readonly string[]): string {
  for (let number = 0; ; number += 1) {
    const separator = `${usualSeparator}${number}\u001e`;
    if (texts.every((text) => !text.includes(separator))) return separator;
  }
}

function newShape(parent: Shape | null, key: string, type: ValueType, slot: number): Shape {
  return { parent, key, type, slot, next: new Map(), last: null, text: null };
}

function hasKey(shape: Shape, key: string): boolean {
  for (let node = shape; node.parent; node = node.parent) if (node.key === key) return true;
  return false;
}
