import { filterLimits, FilterError, durationNanoseconds, type BuiltInField, type Field, type Literal } from './ast.ts';

const enumerations: Readonly<Partial<Record<BuiltInField, readonly string[]>>> = {
  kind: ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'],
  status: ['unset', 'ok', 'error'],
};
/** What a signed 64-bit count of nanoseconds holds, a little rounded down. */
const mostNanoseconds = 9.2e18;

/** Unix milliseconds of an ISO 8601 instant with its zone; undefined if the text is not one. */
function parseInstant(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const instant = Date.parse(text);
  return Number.isFinite(instant) ? instant : undefined;
}

/** Unix nanoseconds of such an instant, all nine decimals of its seconds kept. */
export function instantNanoseconds(text: string): bigint | undefined {
  const milliseconds = parseInstant(text.replace(/(\.\d{3})\d+/, '$1'));
  if (milliseconds === undefined) return undefined;
  const below = /\.\d{3}(\d+)/.exec(text)?.[1] ?? '';
  return BigInt(milliseconds) * 1_000_000n + BigInt(below.padEnd(6, '0'));
}

/** Why a built-in field can never be compared with this value; undefined if it can. */
function mismatch(name: BuiltInField, literal: Literal): string | undefined {
  const allowed = enumerations[name];
  if (allowed !== undefined) {
    const fits = literal.type === 'string' && allowed.includes(literal.value);
    return fits ? undefined : `Expected one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}.`;
  }
  if (name === 'duration') {
    if (literal.type !== 'duration') return 'A duration needs a unit, such as 2s, 800ms or 1.5m.';
    const nanoseconds = durationNanoseconds(literal.text) ?? Infinity;
    return Math.abs(nanoseconds) > mostNanoseconds ? 'This duration is too long.' : undefined;
  }
  if (name === 'error') return literal.type === 'boolean' ? undefined : '"error" is true or false.';
  if (name === 'start') {
    const instant = literal.type === 'string' ? parseInstant(literal.value) : undefined;
    if (instant === undefined) return 'Expected an instant in quotes, such as "2026-11-21T09:30:00Z".';
    return Math.abs(instant) * 1e6 > mostNanoseconds ? 'This instant is too far away.' : undefined;
  }
  return literal.type === 'string' ? undefined : `"${name}" is text: put the value in quotes.`;
}

/**
 * Checks a value against what its field can be, so that a condition that can never hold is refused instead of answered.
 * @throws FilterError at `position`.
 */
export function checkLiteral(field: Field, operator: string, literal: Literal, position: number): void {
  const ordered = operator.startsWith('<') || operator.startsWith('>');
  let fault: string | undefined;
  if (literal.type === 'number' && !Number.isFinite(Number(literal.text))) fault = 'This number is too large.';
  else if (field.type === 'field') fault = mismatch(field.name, literal);
  else if (literal.type === 'duration') {
    fault = 'Only "duration" is compared with a duration; give an attribute a plain number in its own unit.';
  }
  if (fault === undefined && ordered && literal.type === 'boolean') {
    fault = 'true and false can only be compared with = and !=.';
  }
  if (fault !== undefined) throw new FilterError(fault, position);
}

/**
 * The same for the operators on text: contains, matches and md5.
 * @throws FilterError at `position`.
 */
export function checkText(field: Field, operator: string, text: string, position: number): void {
  let fault: string | undefined;
  if (field.type === 'field' && ['duration', 'start', 'error'].includes(field.name)) {
    fault = `"${field.name}" is not a text; compare it with = and !=.`;
  } else if (operator.endsWith('matches') && text.length > filterLimits.pattern) {
    fault = `A pattern is at most ${filterLimits.pattern} characters long.`;
  } else if (operator === 'md5' && !/^[0-9a-f]{32}$/.test(text)) {
    fault = 'Expected the MD5 of a value: 32 digits of 0-9 and a-f.';
  }
  if (fault !== undefined) throw new FilterError(fault, position);
}
