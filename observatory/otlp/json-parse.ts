import { MalformedError } from './wire.ts';
import type { Slices } from '../store/pause.ts';

/** `JSON.parse` holds the event loop until it is through: longer text it is given in parts of about this size. */
const usualPartBytes = 131_072;
/** Brackets within one another beyond this are refused where text comes in parts. OTLP's values need a tenth. */
const deepest = 1_000;

/** An array or object whose end was not seen yet. */
interface Open {
  readonly isArray: boolean;
  /** Where its bracket is. */
  readonly start: number;
  /** What of it was parsed; null where nothing was. */
  value: unknown[] | Record<string, unknown> | null;
  /** Where that which was not parsed begins. */
  from: number;
  /** Its last comma; its bracket as long as there is none. */
  comma: number;
  /** Whether the member before `from` was parsed by itself, so that nothing but a comma or the end may follow. */
  isAfterMember: boolean;
}

/**
 * Parses JSON, long text in parts with pauses between. What is within one pair of brackets and short goes to
 * `JSON.parse` with its neighbours; what is long is taken apart at its commas. Integers that a number cannot hold stay
 * the text that they were.
 *
 * @throws {MalformedError}
 */
export async function parseJson(bytes: Buffer, slices: Slices, partBytes = usualPartBytes): Promise<unknown> {
  if (bytes.length <= partBytes) return parse(bytes.toString());
  const textOf = (start: number, end: number): string => bytes.toString('utf8', start, end);
  const opens: Open[] = [];
  let root: { value: unknown; end: number } | undefined;

  /** Parses what of an array or object comes before a comma or its end. */
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
    const parent = opens.at(-1);
    if (parent) addMember(parent, open.start, at, open.value);
    else if (root || !isBlank(textOf(0, open.start))) throw notJson();
    else root = { value: open.value, end: at + 1 };
  }

  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === openArray || byte === openObject) {
      if (opens.length === deepest) throw new MalformedError(`the JSON is nested more than ${deepest} deep`);
      const isArray = byte === openArray;
      opens.push({ isArray, start: at, value: null, from: at + 1, comma: at, isAfterMember: false });
    } else if (byte === comma) {
      const open = opens.at(-1);
      if (!open) throw notJson();
      if (open.isAfterMember || at - open.from > partBytes) {
        takeUntil(open, at);
        if (slices.isOver()) await slices.next();
      }
      open.comma = at;
    } else if (byte === closeArray || byte === closeObject) {
      const open = opens.pop();
      if (!open) throw notJson();
      close(open, at);
      if (open.value !== null && slices.isOver()) await slices.next();
    }
  }
  if (!root) return parse(bytes.toString());
  if (opens.length > 0 || !isBlank(textOf(root.end, bytes.length))) throw notJson();
  return root.value;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}

const isBlank = (text: string): boolean => /^[\t\n\r ]*$/.test(text);
const notJson = (): MalformedError => new MalformedError('the body is not JSON');
/** Without a prototype, so that `__proto__` is a member like any other. */
const emptyObject = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

/** Digits that a number cannot hold exactly, where JSON text has them unquoted. */
const longInteger = /[:[,]\s*-?\d{16}/;

/** `JSON.parse`, by a slower way where it would round integers. */
function parse(text: string): unknown {
  try {
    return (longInteger.test(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text)) as unknown;
  } catch {
    throw notJson();
  }
}

function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !context?.source) return value;
  return /^-?\d+$/.test(context.source) ? context.source : value;
}
