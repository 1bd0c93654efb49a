import { MalformedError } from '../malformed-error.ts';
import type { Slices } from '../../async/pause.ts';

/** `JSON.parse` holds the event loop until it is done, so longer text is given to it in parts of about this size. */
const usualPartBytes = 131_072;
/** Brackets nested deeper than this are refused when the text is parsed in parts. OTLP's values need a tenth. */
const deepest = 1_000;

/** An array or object whose end was not seen yet. */
interface Open {
  isArray: boolean;
  /** The position of its bracket. */
  start: number;
  /** The part of it that was parsed; null if nothing was. */
  value: unknown[] | Record<string, unknown> | null;
  /** Where the part that was not parsed begins. */
  from: number;
  /** Its last comma; its bracket as long as there is none. */
  comma: number;
  /** Whether the member before `from` was parsed by itself, so that nothing but a comma or the end may follow. */
  isAfterMember: boolean;
}

/**
 * Parses JSON, long text in parts with pauses between. A short array or object goes to `JSON.parse` together with its
 * neighbours; a long one is taken apart at its commas. Integers that a number cannot hold stay the text that they were,
 * and strings are well-formed.
 *
 * @throws {MalformedError}
 */
export async function parseJson(bytes: Buffer, slices: Slices, partBytes = usualPartBytes): Promise<unknown> {
  if (bytes.length <= partBytes) return parse(bytes.toString());
  const textOf = (start: number, end: number): string => bytes.toString('utf8', start, end);
  // By depth, each used again and again: there are as many as brackets.
  const opens: Open[] = [];
  let depth = 0;
  let root: { value: unknown; end: number } | undefined;

  /** Parses the part of an array or object before a comma or its end. */
  function takeUntil(open: Open, end: number): void {
    const text = textOf(open.from, end);
    if (open.isAfterMember !== isBlank(text)) throw notJson();
    open.from = end + 1;
    open.isAfterMember = false;
    open.value ??= open.isArray ? [] : emptyObject();
    if (Array.isArray(open.value)) for (const item of parse(`[${text}]`) as unknown[]) open.value.push(item);
    else Object.assign(open.value, parse(`{${text}}`));
  }

  /** Takes a member that was parsed by itself. */
  function addMember(open: Open, start: number, end: number, value: unknown): void {
    if (open.isAfterMember) throw notJson();
    if (open.comma >= open.from) takeUntil(open, open.comma);
    open.value ??= open.isArray ? [] : emptyObject();
    const key = textOf(open.from, start);
    if (Array.isArray(open.value)) {
      if (!isBlank(key)) throw notJson();
      open.value.push(value);
    } else {
      const [name, ...others] = Object.keys(parse(`{${key}null}`) as object);
      if (name === undefined || others.length > 0) throw notJson();
      open.value[name] = value;
    }
    open.from = end + 1;
    open.isAfterMember = true;
  }

  function close(open: Open, at: number): void {
    const isShort = open.value === null && at - open.start <= partBytes;
    if (isShort) return;
    if (open.isArray !== (bytes[at] === closeArray)) throw notJson();
    const isEmpty = open.value === null && open.comma === open.start && isBlank(textOf(open.from, at));
    if (isEmpty) open.value = open.isArray ? [] : emptyObject();
    else takeUntil(open, at);
    const parent = opens[depth - 1];
    if (parent) addMember(parent, open.start, at, open.value);
    else if (root || !isBlank(textOf(0, open.start))) throw notJson();
    else root = { value: open.value, end: at + 1 };
  }

  const { length } = bytes;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      // To its end: most of the text is in strings.
      for (at += 1; at < length; at += 1) {
        const inString = bytes[at];
        if (inString === quote) break;
        if (inString === backslash) at += 1;
      }
    } else if (byte === openArray || byte === openObject) {
      if (depth === deepest) throw new MalformedError(`the JSON is nested more than ${deepest} deep`);
      const isArray = byte === openArray;
      const open = (opens[depth] ??= { isArray, start: 0, value: null, from: 0, comma: 0, isAfterMember: false });
      depth += 1;
      open.isArray = isArray;
      open.start = at;
      open.value = null;
      open.from = at + 1;
      open.comma = at;
      open.isAfterMember = false;
    } else if (byte === comma) {
      const open = opens[depth - 1];
      if (!open) throw notJson();
      if (open.isAfterMember || at - open.from > partBytes) {
        takeUntil(open, at);
        if (slices.isOver()) await slices.next();
      }
      open.comma = at;
    } else if (byte === closeArray || byte === closeObject) {
      depth -= 1;
      const open = opens[depth];
      if (!open) throw notJson();
      close(open, at);
      if (open.value !== null && slices.isOver()) await slices.next();
    }
  }
  if (depth > 0) throw notJson();
  if (!root) return parse(bytes.toString());
  if (!isBlank(textOf(root.end, bytes.length))) throw notJson();
  return root.value;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const isBlank = (text: string): boolean => /^[\t\n\r ]*$/.test(text);
const notJson = (): MalformedError => new MalformedError('the body is not JSON');
/** Without a prototype, so that `__proto__` is a member like any other. */
const emptyObject = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

/** Digits that a number cannot hold exactly, if the JSON text has them unquoted; and halves of surrogate pairs. */
const needsMending = /[:[,]\s*-?\d{16}|\\u[dD][89a-fA-F]/;

/** `JSON.parse`, but in a slower way if it would round integers or make half a surrogate pair. */
function parse(text: string): unknown {
  try {
    return (needsMending.test(text) ? JSON.parse(text, mend) : JSON.parse(text)) as unknown;
  } catch {
    throw notJson();
  }
}

/**
 * Long integers stay the text that they were. Half a surrogate pair becomes U+FFFD here already. Otherwise it would
 * become so on the way to the store, and there two different keys would become one.
 */
function mend(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !context?.source) return value;
  return /^-?\d+$/.test(context.source) ? context.source : value;
}
