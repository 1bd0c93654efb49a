import { createHash } from 'node:crypto';

import { olderNames, promotedAttributes } from './hot-attributes.ts';

/** How a value was typed before it became text; '' is a string (schema.sql, `types`). */
export type ValueType = 'i' | 'd' | 'b' | 'j' | 'x' | 'n' | '';

/**
 * The keys of a set of attributes, in order, with the type of each value. Spans of one kind share theirs, so what
 * depends on the keys alone is worked out once a kind instead of once a span.
 */
export interface Shape {
  readonly parent: Shape | null;
  readonly key: string;
  /** The same as UTF-8 (`keyBytesOf`). */
  keyBytes: Buffer | null;
  /** How many keys it has. */
  readonly depth: number;
  readonly type: ValueType;
  /** Place of its column among those of hot attributes, or -1 if it has none. */
  readonly hot: number;
  /** The same, or -1 if the value goes to the MAP. Every value that is longer than a column should hold goes there. */
  readonly slot: number;
  /** Place of the column that gets a copy, if the key is an older name of a hot attribute; or -1. */
  readonly copied: number;
  /**
   * The longer shape that was made first. After a key that never comes again there is no other one, and a map would
   * cost much memory.
   */
  only: Shape | null;
  /** The others: by type, then by key. A key that the shape already has leads back to the shape itself. */
  next: Map<Branch, Map<string, Shape>> | null;
  /** The longer shape that was asked for last: mostly the one that is asked for next. */
  last: Shape | null;
  /** Worked out when first asked for. */
  text: ShapeText | null;
}

type Branch = ValueType | `long ${ValueType}`;

/**
 * About how many bytes a shape takes in memory, beside those of its request: objects, strings and its part of a map.
 */
export const shapeBytes = 400;

/** A shape's key as UTF-8, to compare with the key of the next attribute without making a string of it. */
export function keyBytesOf(shape: Shape): Buffer {
  return (shape.keyBytes ??= Buffer.from(shape.key));
}

export interface ShapeText {
  /** The keys of the values that go to the MAP. */
  keys: readonly string[];
  /** A separator that is in none of them; the usual one if possible. */
  separator: string;
  /** The keys joined by it; null if there are none. */
  joinedKeys: string | null;
  /** As schema.sql says; null if all values are strings. */
  types: string | null;
}

/** Attributes of one log, point or resource, ready for the store. Those of spans are in a `SpanBatch`. */
export interface AttributeSet {
  shape: Shape;
  /**
   * The values of the keys `shapeText(shape).keys`, in that order, joined by `separator`: one text is cheap to keep and
   * pass on.
   */
  values: string;
  /** Is in none of the keys and values. */
  separator: string;
}

/** ASCII's unit separator: hardly any text contains it. If one does, another separator is chosen. */
export const usualSeparator = '\u001f';

const slots = new Map(Object.keys(promotedAttributes).map((key, index) => [key, index]));
const hotKeys = Object.keys(promotedAttributes);
/** The type in `types` for a column whose value was copied from an older name (schema.sql). */
export const copyType = 'c';
const copies = new Map(Object.entries(olderNames).map(([older, newer]) => [older, slots.get(newer) ?? -1]));

/** The value of a key as text; undefined if missing. */
export function attributeText(attributes: AttributeSet, key: string): string | undefined {
  const index = shapeText(attributes.shape).keys.indexOf(key);
  return index < 0 ? undefined : attributes.values.split(attributes.separator)[index];
}

/** The keys of a set, joined as its values are; null if there are none. */
export function joinedKeys({ shape, separator }: AttributeSet): string | null {
  const text = shapeText(shape);
  return separator === text.separator || text.joinedKeys === null ? text.joinedKeys : text.keys.join(separator);
}

/** The separator of a set; null if it is the usual one, which staging.sql knows. */
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
  const sent = new Set<number>();
  const copied = new Set<number>();
  for (let node = shape; node.parent; node = node.parent) {
    if (node.slot < 0) keys.push(node.key);
    if (node.type !== '') types.push([node.key, node.type]);
    if (node.hot >= 0) sent.add(node.hot);
    if (node.copied >= 0) copied.add(node.copied);
  }
  for (const place of copied) if (!sent.has(place)) types.push([hotKeys[place] ?? '', copyType]);
  keys.reverse();
  const separator = keys.some((key) => key.includes(usualSeparator)) ? unusedSeparator(keys) : usualSeparator;
  return {
    keys,
    separator,
    joinedKeys: keys.length > 0 ? keys.join(separator) : null,
    types: types.length > 0 ? JSON.stringify(Object.fromEntries(types.toReversed())) : null,
  };
}

/**
 * Beyond this many shapes all of them are forgotten, so that spans with a thousand unique keys each do not fill the
 * memory.
 */
const shapeLimit = 20_000;

/** The longest key, in UTF-16 units: with its escapes it fits into a filter (`filterLimits.characters`). */
const longestKey = 512;

/** A key as it is stored: one that is too long for a filter is cut, and told apart by a digest of the whole. */
function storedKey(key: string): string {
  if (key.length <= longestKey) return key;
  const digest = createHash('md5').update(key).digest('hex').slice(0, 12);
  return `${key.slice(0, longestKey - digest.length - 1).toWellFormed()}…${digest}`;
}

/** The shapes of one reader. */
export interface Shapes {
  /** The shape of no attributes. Ask for it again for each set: all shapes are forgotten when there are too many. */
  empty(): Shape;
  /**
   * The shape with one key more; the same shape if it has the key already.
   *
   * @param isLong see `columnBytes` (column-text.ts).
   */
  extend(shape: Shape, key: string, type: ValueType, isLong?: boolean): Shape;
  /** How many were made since this was last asked. */
  made(): number;
}

/** Whether a shape that was made for a key is the one for a value of this length, too. */
export function servesAlso({ hot, slot }: Shape, isLong: boolean): boolean {
  return hot < 0 || slot < 0 === isLong;
}

/**
 * @param promote whether hot attributes go to columns of their own: true for spans, false for resources, logs and
 *   points.
 */
export function createShapes(promote: boolean): Shapes {
  let count = 0;
  let made = 0;
  // The keys of the shape that was made last. The next shape mostly has one key more.
  let newest: Shape | null = null;
  let keysOfNewest = new Set<string>();

  /** Makes the shape with one key more; the same shape if it has the key already. */
  function longer(shape: Shape, sentKey: string, type: ValueType, isLong: boolean): Shape {
    const key = storedKey(sentKey);
    if (shape !== newest) keysOfNewest = new Set(keysOf(shape));
    newest = shape;
    if (keysOfNewest.has(key)) return shape;
    newest = newShape(
      shape,
      key,
      type,
      promote ? (slots.get(key) ?? -1) : -1,
      isLong,
      promote ? (copies.get(key) ?? -1) : -1,
    );
    keysOfNewest.add(key);
    return newest;
  }

  let root = newShape(null, '', '', -1, false);
  return {
    empty() {
      if (count > shapeLimit) {
        count = 0;
        root = newShape(null, '', '', -1, false);
      }
      return root;
    },
    extend(shape, key, type, isLong = false) {
      const { last, only } = shape;
      // Keys are mostly the very same string, which makes this a comparison of addresses.
      if (last && last.key === key && last.type === type && servesAlso(last, isLong)) return last;
      if (only && only.key === key && only.type === type && servesAlso(only, isLong)) {
        shape.last = only;
        return only;
      }
      const branch: Branch = isLong ? `long ${type}` : type;
      let next = shape.next?.get(branch)?.get(key);
      if (!next) {
        next = longer(shape, key, type, isLong);
        count += 1;
        made += 1;
        if (only || next === shape || next.key !== key) {
          shape.next ??= new Map<Branch, Map<string, Shape>>();
          const byKey = shape.next.get(branch) ?? new Map<string, Shape>();
          shape.next.set(branch, byKey.set(key, next));
        } else shape.only = next;
      }
      if (next !== shape) shape.last = next;
      return next;
    },
    made() {
      const since = made;
      made = 0;
      return since;
    },
  };
}

/** Takes one attribute after another. One builder serves one set at a time. */
export interface AttributeSink {
  /** Adds an attribute. The first value of a key counts; OTLP forbids a second one. */
  add(key: string, text: string, type: ValueType): void;
  /** Forgets a set that was begun: what came with it was malformed. */
  clear(): void;
}

/** Makes sets of the attributes it takes. */
export interface AttributeBuilder extends AttributeSink {
  finish(): AttributeSet;
}

export function createAttributeBuilder(): AttributeBuilder {
  const shapes = createShapes(false);
  let shape = shapes.empty();
  let values: string[] = [];
  // Whether the usual separator is in a key or value.
  let needsOtherSeparator = false;

  function clear(): void {
    shape = shapes.empty();
    values = [];
    needsOtherSeparator = false;
  }

  return {
    add(key, text, type) {
      const next = shapes.extend(shape, key, type);
      if (next === shape) return;
      shape = next;
      values.push(text);
      if (text.includes(usualSeparator) || key.includes(usualSeparator)) needsOtherSeparator = true;
    },
    finish() {
      const separator = needsOtherSeparator ? unusedSeparator([...shapeText(shape).keys, ...values]) : usualSeparator;
      const set: AttributeSet = { shape, values: values.join(separator), separator };
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

function newShape(
  parent: Shape | null,
  key: string,
  type: ValueType,
  hot: number,
  isLong: boolean,
  copied = -1,
): Shape {
  const slot = isLong ? -1 : hot;
  const depth = parent ? parent.depth + 1 : 0;
  return {
    parent,
    key,
    keyBytes: null,
    depth,
    type,
    hot,
    slot,
    copied,
    only: null,
    next: null,
    last: null,
    text: null,
  };
}

function* keysOf(shape: Shape): Generator<string> {
  for (let node = shape; node.parent; node = node.parent) yield node.key;
}
