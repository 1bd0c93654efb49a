import { filterLimits, FilterError } from './ast.ts';

/** A piece of a filter's text; `position` is the offset of its first character, `end` of the one after its last. */
export interface Token {
  kind: 'word' | 'string' | 'number' | 'duration' | 'operator' | 'end';
  /** A word as written; a string without quotes and escapes; a number, duration or operator as written. */
  text: string;
  position: number;
  end: number;
}

const whiteSpace = /\s+/y;
const wordPattern = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const numberPattern = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const unitPattern = /(?:ns|us|µs|ms|s|m|h)/y;
const wordCharacter = /[A-Za-z0-9_.µ-]/y;
const operatorPattern = /!=|<=|>=|!contains\b|!exists\b|!matches\b|!in\b|[=<>(),]/iy;
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', n: '\n', t: '\t', r: '\r' };

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0];
}

function readString(text: string, start: number): Token {
  let value = '';
  let position = start + 1;
  for (;;) {
    const character = text[position];
    if (character === undefined) throw new FilterError('This quoted text has no closing ".', start);
    if (character === '"') return { kind: 'string', text: value, position: start, end: position + 1 };
    if (character !== '\\') {
      value += character;
      position += 1;
      continue;
    }
    const escape = text[position + 1] ?? '';
    const unicode = matchAt(/u[0-9a-fA-F]{4}/y, text, position + 1);
    if (unicode !== undefined) {
      value += String.fromCharCode(Number.parseInt(unicode.slice(1), 16));
      position += 6;
    } else if (escapes[escape] !== undefined) {
      value += escapes[escape];
      position += 2;
    } else {
      throw new FilterError('After \\ one of " \\ / n t r or u and four hexadecimal digits must follow.', position);
    }
  }
}

function readNumber(text: string, start: number, digits: string): Token {
  let end = start + digits.length;
  const unit = matchAt(unitPattern, text, end);
  if (unit !== undefined && !/[eE]/.test(digits)) end += unit.length;
  if (matchAt(wordCharacter, text, end) !== undefined) {
    throw new FilterError('This is neither a number nor a duration (units: ns us ms s m h).', start);
  }
  const kind = end > start + digits.length ? 'duration' : 'number';
  return { kind, text: text.slice(start, end), position: start, end };
}

function readToken(text: string, position: number): Token {
  if (text[position] === '"') return readString(text, position);
  const operator = matchAt(operatorPattern, text, position);
  if (operator !== undefined) {
    return { kind: 'operator', text: operator.toLowerCase(), position, end: position + operator.length };
  }
  const digits = matchAt(numberPattern, text, position);
  if (digits !== undefined) return readNumber(text, position, digits);
  const word = matchAt(wordPattern, text, position);
  if (word !== undefined) return { kind: 'word', text: word, position, end: position + word.length };
  const hint = text[position] === "'" ? ' Text is quoted with ".' : '';
  throw new FilterError(
    `Unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0))}.${hint}`,
    position,
  );
}

/**
 * Splits a filter's text into tokens, the last of kind `end`.
 * @throws FilterError on a text longer than 4,096 characters, an open quote, or a character that has no place.
 */
export function tokenize(text: string): Token[] {
  if (text.length > filterLimits.characters) {
    throw new FilterError(`A filter is at most ${filterLimits.characters} characters long.`, filterLimits.characters);
  }
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    position += matchAt(whiteSpace, text, position)?.length ?? 0;
    if (position >= text.length) break;
    const token = readToken(text, position);
    tokens.push(token);
    position = token.end;
  }
  tokens.push({ kind: 'end', text: '', position: text.length, end: text.length });
  return tokens;
}
