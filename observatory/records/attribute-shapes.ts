import { promotedAttributes } from './hot-attributes.ts';

/** How a value was typed before it became text; '' is a string (schema.sql, `types`). */
export type ValueType = 'i' | 'd' | 'b' | 'j' | 'x' | 'n' | '';

/**
 * The keys of a set of attributes, in order, with the type of each value. Spans of one kind share theirs, so what
 * depends on the keys alone is worked out once a kind instead of once a span.
 */
export interface Shape {
  readonly parent: Shape | null;
  readonly key: string;
  /** The same as UTF-8, which tells the key of the next attribute without making a string of it. */
  readonly keyBytes: Buffer;
  readonly type: ValueType;
  /** Place of its column among those of hot attributes, or -1 where it has none. */
  readonly hot: number;
  /** The same, or -1 where the value goes to the MAP: as all do that are longer than a column should hold. */
  readonly slot: number;
  /** Longer shapes: by type, then by key. A key that the shape already has leads back to the shape itself. */
  readonly next: Map<ValueType | `long ${ValueType}`, Map<string, Shape>>;
  /** The longer shape that was asked for last: mostly the one that is asked for next. */
  last: Shape | null;
  /** Worked out when first asked for. */
  text: ShapeText | null;
}

export interface ShapeText {
  /** Of the values that go to the MAP. */
  keys: readonly string[];
  /** In none of them; the usual one where it can be. */
  separator: string;
  /** The keys joined by it; null where there are none. */
  joinedKeys: string | null;
  /** As schema.sql says; null where all values are strings. */
  types: string | null;
}

/** Attributes of one log, point or resource, ready for the store. Those of spans are in a `SpanBatch`. */
export interface AttributeSet {
  shape: Shape;
  /** Of the keys of `shapeText(shape).keys`, in that order, joined by `separator`: one text is cheap to keep and pass on. */
  values: string;
  /** Is in none of the keys and values. */
  separator: string;
}

/** ASCII's unit separator: it is in next to no text, and where it is, another is found. */
export const usualSeparator = '\u001f';

const slots = new Map(Object.keys(promotedAttributes).map((key, index) => [key, index]));

/** The value of a key as text; undefined where missing. */
export function attributeText(attributes: AttributeSet, key: string): string | undefined {
  const index = shapeText(attributes.shape).keys.indexOf(key);
  return index < 0 ? undefined : attributes.values.split(attributes.separator)[index];
}

/** The keys of a set, joined as its values are; null where there are none. */
export function joinedKeys({ shape, separator }: AttributeSet): string | null {
  const text = shapeText(shape);
  return separator === text.separator || text.joinedKeys === null ? text.joinedKeys : text.keys.join(separator);
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
  for (let node = shape; node.parent; node = node.parent) {
    if (node.slot < 0) keys.push(node.key);
    if (node.type !== '') types.push([node.key, node.type]);
  }
  keys.reverse();
  const separator = keys.some((key) => key.includes(usualSeparator)) ? unusedSeparator(keys) : usualSeparator;
  return {
    keys,
    separator,
    joinedKeys: keys.length > 0 ? keys.join(separator) : null,
    types: types.length > 0 ? JSON.stringify(Object.fromEntries(types.toReversed())) : null,
  };
}

/** A thousand unique keys a span must not fill the memory: beyond this many shapes, they are all forgotten. */
const shapeLimit = 20_000;

/** The shapes of one reader. */
export interface Shapes {
  /** That of no attributes. Ask for it for each set: shapes are forgotten where they become too many. */
  empty(): Shape;
  /** The shape with one key more; the same shape where it has the key already. @param isLong see `columnBytes` (column-text.ts). */
  extend(shape: Shape, key: string, type: ValueType, isLong?: boolean): Shape;
}

/** Whether a shape that was made for a key is the one for a value of this length, too. */
export function servesAlso({ hot, slot }: Shape, isLong: boolean): boolean {
  return hot < 0 || slot < 0 === isLong;
}

/** @param promote whether hot attributes go to columns of their own: so for spans, not for resources, logs, points. */
export function createShapes(promote: boolean): Shapes {
  let count = 0;
  // The keys of the shape that was made last: the next one mostly has one more.
  let newest: Shape | null = null;
  let keysOfNewest = new Set<string>();

  /** Makes the shape with one key more, where it has not got that key yet. */
  function longer(shape: Shape, key: string, type: ValueType, isLong: boolean): Shape {
    if (shape !== newest) keysOfNewest = new Set(keysOf(shape));
    newest = shape;
    if (keysOfNewest.has(key)) return shape;
    newest = newShape(shape, key, type, promote ? (slots.get(key) ?? -1) : -1, isLong);
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
      const { last } = shape;
      // Keys are mostly the very same string, which makes this a comparison of addresses.
      if (last && last.key === key && last.type === type && servesAlso(last, isLong)) return last;
      const branch = isLong ? (`long ${type}` as const) : type;
      let byKey = shape.next.get(branch);
      if (!byKey) shape.next.set(branch, (byKey = new Map()));
      let next = byKey.get(key);
      if (!next) {
        count += 1;
        next = longer(shape, key, type, isLong);
        byKey.set(key, next);
      }
      if (next !== shape) shape.last = next;
      return next;
    },
  };
}

/** Takes one attribute after another. One builder serves one set at a time. */
export interface AttributeSink {
  /** The first value of a key holds; OTLP forbids a second. */
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
  let awkward = false;

  function clear(): void {
    shape = shapes.empty();
    values = [];
    awkward = false;
  }

  return {
    add(key, text, type) {
      const next = shapes.extend(shape, key, type);
      if (next === shape) return;
      shape = next;
      values.push(text);
      if (text.includes(usualSeparator) || key.includes(usualSeparator)) awkward = true;
    },
    finish() {
      const separator = awkward ? unusedSeparator([...shapeText(shape).keys, ...values]) : usualSeparator;
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

function newShape(parent: Shape | null, key: string, type: ValueType, hot: number, isLong: boolean): Shape {
  const slot = isLong ? -1 : hot;
  return { parent, key, keyBytes: Buffer.from(key), type, hot, slot, next: new Map(), last: null, text: null };
}

function* keysOf(shape: Shape): Generator<string> {
  for (let node = shape; node.parent; node = node.parent) yield node.key;
}
