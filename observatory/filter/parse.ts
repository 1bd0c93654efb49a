import {
  filterLimits,
  FilterError,
  reservedWords,
  serviceMsPrefix,
  isBuiltIn,
  isComparison,
  isIntrinsic,
  isOfRoot,
  isTextOperator,
  type Expression,
  type Field,
  type Literal,
} from './ast.ts';
import { checkLiteral, checkText } from './check.ts';
import { tokenize, type Token } from './tokens.ts';

/** The field that an unquoted key names. */
function fieldOfWord(word: string): Field {
  if (isBuiltIn(word)) return { type: 'field', name: word };
  return isIntrinsic(word) ? { type: 'intrinsic', name: word } : { type: 'attribute', key: word };
}

function literalOf(token: Token): Literal | undefined {
  if (token.kind === 'string') return { type: 'string', value: token.text };
  if (token.kind === 'number') return { type: 'number', text: token.text };
  if (token.kind === 'duration') return { type: 'duration', text: token.text };
  const word = token.kind === 'word' ? token.text.toLowerCase() : '';
  return word === 'true' || word === 'false' ? { type: 'boolean', value: word === 'true' } : undefined;
}

function found(token: Token): string {
  return token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
}

/** The tokens of a text with a place among them; every function throws FilterError. */
function createReader(text: string) {
  const tokens = tokenize(text);
  let index = 0;
  const peek = (): Token => {
    const token = tokens[index];
    if (token === undefined) throw new FilterError('The filter ends too early.', text.length);
    return token;
  };
  const take = (): Token => {
    const token = peek();
    if (token.kind !== 'end') index += 1;
    return token;
  };
  const isOperator = (operator: string): boolean => peek().kind === 'operator' && peek().text === operator;
  const isWord = (word: string): boolean => peek().kind === 'word' && peek().text.toLowerCase() === word;
  const takeWord = (word: string): boolean => {
    if (!isWord(word)) return false;
    take();
    return true;
  };
  const expectOperator = (operator: string, expectation: string, position?: number): void => {
    if (!isOperator(operator)) {
      throw new FilterError(`Expected ${expectation}, found ${found(peek())}.`, position ?? peek().position);
    }
    take();
  };
  const field = (): Field => {
    const token = peek();
    if (token.kind === 'string') {
      take();
      const any = token.text.startsWith(serviceMsPrefix) || isOfRoot(token.text);
      return any ? fieldOfWord(token.text) : { type: 'attribute', key: token.text };
    }
    if (token.kind !== 'word') throw new FilterError(`Expected a key, found ${found(token)}.`, token.position);
    if (reservedWords.has(token.text.toLowerCase())) {
      const message = `Expected a key, found the word "${token.text}"; as a key it must be quoted.`;
      throw new FilterError(message, token.position);
    }
    take();
    return fieldOfWord(token.text);
  };
  return { peek, take, isOperator, isWord, takeWord, expectOperator, field };
}
type Reader = ReturnType<typeof createReader>;

function readLiteral(reader: Reader, field: Field, operator: string): Literal {
  const token = reader.peek();
  const literal = literalOf(token);
  if (literal === undefined) {
    const quoted = token.kind === 'word' ? ` Text is quoted: ${JSON.stringify(token.text)}.` : '';
    throw new FilterError(`Expected a value, found ${found(token)}.${quoted}`, token.position);
  }
  checkLiteral(field, operator, literal, token.position);
  reader.take();
  return literal;
}

function readText(reader: Reader, field: Field, operator: string): string {
  const token = reader.peek();
  if (token.kind !== 'string') {
    throw new FilterError(`Expected a text in "quotes" here, found ${found(token)}.`, token.position);
  }
  checkText(field, operator, token.text, token.position);
  reader.take();
  return token.text;
}

function readList(reader: Reader, field: Field): Literal[] {
  reader.expectOperator('(', '"(" after "in"');
  const values = [readLiteral(reader, field, 'in')];
  while (reader.isOperator(',')) {
    const { position } = reader.take();
    if (values.length === filterLimits.listValues) {
      throw new FilterError(`A list has at most ${filterLimits.listValues} values.`, position);
    }
    values.push(readLiteral(reader, field, 'in'));
  }
  reader.expectOperator(')', '"," or ")"');
  return values;
}

function readTest(reader: Reader): Expression {
  const { position } = reader.peek();
  const field = reader.field();
  const negated = reader.takeWord('not');
  const token = reader.peek();
  const operator =
    token.kind === 'operator' || token.kind === 'word' ? (negated ? '!' : '') + token.text.toLowerCase() : '';
  if (isComparison(operator) && !negated) {
    reader.take();
    return { type: 'compare', field, operator, value: readLiteral(reader, field, operator), position };
  }
  if (isTextOperator(operator)) {
    reader.take();
    return { type: 'text', field, operator, value: readText(reader, field, operator), position };
  }
  if (operator === 'exists' || operator === '!exists') {
    reader.take();
    return { type: 'exists', field, negated: operator === '!exists', position };
  }
  if (operator === 'in' || operator === '!in') {
    reader.take();
    return { type: 'in', field, negated: operator === '!in', values: readList(reader, field), position };
  }
  const operators = '= != < <= > >= contains !contains matches !matches exists !exists in !in';
  throw new FilterError(`Expected an operator (${operators}), found ${found(token)}.`, token.position);
}

/** Reads terms joined by one word; a single term stands for itself. */
function readJoined(reader: Reader, word: 'and' | 'or', readTerm: () => Expression): Expression {
  const first = readTerm();
  const terms = [first];
  while (reader.takeWord(word)) terms.push(readTerm());
  return terms.length === 1 ? first : { type: word, terms };
}

function readExpression(reader: Reader): Expression {
  let depth = 0;
  let tests = 0;
  const either = (): Expression => readJoined(reader, 'or', () => readJoined(reader, 'and', unary));
  const unary = (): Expression => {
    const start = reader.peek();
    const nests = reader.isWord('not') || reader.isOperator('(');
    if (!nests) {
      tests += 1;
      if (tests <= filterLimits.tests) return readTest(reader);
      throw new FilterError(`A filter has at most ${filterLimits.tests} conditions.`, start.position);
    }
    depth += 1;
    if (depth > filterLimits.depth) {
      throw new FilterError(`A filter nests at most ${filterLimits.depth} deep.`, start.position);
    }
    const negated = reader.take().kind === 'word';
    const term = negated ? unary() : either();
    if (!negated) {
      reader.expectOperator(')', 'a closing ")"', reader.peek().kind === 'end' ? start.position : undefined);
    }
    depth -= 1;
    return negated ? { type: 'not', term } : term;
  };
  return either();
}

/**
 * Reads a filter; undefined for one without a condition (which every span passes).
 * @throws FilterError if the text cannot be read, or asks for too much (`filterLimits`); with the offset of the error.
 */
export function parseFilter(text: string): Expression | undefined {
  const reader = createReader(text);
  if (reader.peek().kind === 'end') return undefined;
  const expression = readExpression(reader);
  const rest = reader.peek();
  if (rest.kind !== 'end') {
    throw new FilterError(`Expected "and", "or" or the end here, found ${found(rest)}.`, rest.position);
  }
  return expression;
}

/**
 * Reads one key as filters write it (`service.name`, `"any text"`), as parameters such as `by` give it. A key that
 * would need quotes but has none is taken as it is, whole.
 * @throws FilterError if it is empty or its quotes are broken.
 */
export function parseField(text: string): Field {
  const trimmed = text.trim();
  if (trimmed === '') throw new FilterError('A key cannot be empty.', 0);
  if (trimmed.length > filterLimits.characters) {
    throw new FilterError(`A key is at most ${filterLimits.characters} characters long.`, filterLimits.characters);
  }
  if (!trimmed.startsWith('"')) return fieldOfWord(trimmed);
  const reader = createReader(trimmed);
  const field = reader.field();
  const rest = reader.peek();
  if (rest.kind !== 'end') throw new FilterError(`Expected one key, found ${found(rest)} too.`, rest.position);
  return field;
}
