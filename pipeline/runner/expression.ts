/**
 * The language of `when.condition`: https://codefresh.io/docs/docs/pipelines/condition-expression-syntax/. An
 * expression is parsed once, when the pipeline is planned, and evaluated just before its step.
 *
 * Codefresh puts the values of `${{X}}` into the text and then parses it. Here the text is parsed first, and a value
 * can therefore never change what an expression means, whatever quotes a branch or a commit message holds.
 */

export type Value = string | number | boolean | null;

/** A parsed expression, as data. */
export type Expression =
  | { kind: 'literal'; value: Value }
  /** Text with `${{X}}` in it: between quotes it is always a string; without them it has the type that it looks like. */
  | { kind: 'template'; text: string; quoted: boolean }
  | { kind: 'member'; path: readonly string[] }
  | { kind: 'not' | 'negate'; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'call'; name: FunctionName; args: readonly Expression[] };

/** What an expression may ask for. */
export interface ExpressionScope {
  /** The text with every known `${{X}}` replaced, as in any other value of the file. */
  substitute(text: string): string;
  /** The value of a variable, or undefined. */
  variable(name: string): string | undefined;
  /** `steps.NAME.result`, `NAME.result`, `workflow.result`; undefined if there is no such thing. */
  member(path: readonly string[]): string | undefined;
}

/** An expression that cannot be parsed, or has no value. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const binaryOperators = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
] as const satisfies readonly (readonly string[])[];
type BinaryOperator = (typeof binaryOperators)[number][number];

type Evaluated = readonly Value[];
const text = (args: Evaluated, index: number): string => {
  const value = args[index];
  if (typeof value !== 'string') throw new ExpressionError(`a string is expected, not ${show(value)}`);
  return value;
};
const numeric = (args: Evaluated, index: number): number => {
  const value = args[index];
  if (typeof value !== 'number') throw new ExpressionError(`a number is expected, not ${show(value)}`);
  return value;
};

/** Name, how many arguments at least and at most, meaning. */
const functions = {
  String: [1, 1, (args) => String(args[0])],
  Number: [1, 1, (args) => toNumber(args[0] ?? null)],
  Boolean: [1, 1, (args) => isTrue(args[0] ?? null)],
  round: [1, 1, (args) => Math.round(numeric(args, 0))],
  floor: [1, 1, (args) => Math.floor(numeric(args, 0))],
  upper: [1, 1, (args) => text(args, 0).toUpperCase()],
  lower: [1, 1, (args) => text(args, 0).toLowerCase()],
  trim: [1, 1, (args) => text(args, 0).trim()],
  trimLeft: [1, 1, (args) => text(args, 0).trimStart()],
  trimRight: [1, 1, (args) => text(args, 0).trimEnd()],
  replace: [3, 3, (args) => text(args, 0).replaceAll(text(args, 1), () => text(args, 2))],
  substring: [2, 3, (args) => text(args, 0).slice(numeric(args, 1), args.length > 2 ? numeric(args, 2) : undefined)],
  length: [1, 1, (args) => text(args, 0).length],
  includes: [2, 2, (args) => text(args, 0).includes(text(args, 1))],
  indexOf: [2, 2, (args) => text(args, 0).indexOf(text(args, 1))],
  match: [2, 3, (args) => new RegExp(text(args, 1), args[2] === true ? 'i' : '').test(text(args, 0))],
  Variable: [1, 1, (args, scope) => scope.variable(text(args, 0)) ?? null],
  Member: [2, 2, (args, scope) => scope.member([text(args, 0), text(args, 1)]) ?? null],
} as const satisfies Record<string, [number, number, (args: Evaluated, scope: ExpressionScope) => Value]>;
type FunctionName = keyof typeof functions;

/** @throws {ExpressionError} with a sentence that says where the text is not an expression. */
export function parseExpression(source: string): Expression {
  const tokens = tokenize(source);
  let next = 0;

  function peek(): Token | undefined {
    return tokens[next];
  }
  function isSymbol(...symbols: readonly string[]): string | null {
    const token = peek();
    return token?.kind === 'symbol' && symbols.includes(token.text) ? token.text : null;
  }
  function expectSymbol(symbol: string): void {
    if (!isSymbol(symbol)) throw unexpected(peek(), `"${symbol}"`);
    next += 1;
  }

  function binary(level: number): Expression {
    const operators = binaryOperators[level];
    if (!operators) return unary();
    let left = binary(level + 1);
    for (let operator = isSymbol(...operators); operator; operator = isSymbol(...operators)) {
      next += 1;
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right: binary(level + 1) };
    }
    return left;
  }

  function unary(): Expression {
    const operator = isSymbol('!', '-');
    if (!operator) return primary();
    next += 1;
    return { kind: operator === '!' ? 'not' : 'negate', operand: unary() };
  }

  function primary(): Expression {
    const token = peek();
    if (isSymbol('(')) {
      next += 1;
      const inner = binary(0);
      expectSymbol(')');
      return inner;
    }
    if (token === undefined || token.kind === 'symbol') throw unexpected(token, 'a value');
    next += 1;
    if (token.kind === 'number') return { kind: 'literal', value: Number(token.text) };
    if (token.kind === 'variable') return { kind: 'template', text: token.text, quoted: false };
    if (token.kind === 'string') {
      return token.text.includes('${{')
        ? { kind: 'template', text: token.text, quoted: true }
        : { kind: 'literal', value: token.text };
    }
    const constants: Record<string, Value> = { true: true, false: false, null: null };
    if (Object.hasOwn(constants, token.text)) return { kind: 'literal', value: constants[token.text] ?? null };
    return isSymbol('(') ? call(token.text) : { kind: 'member', path: memberPath(token.text) };
  }

  function call(name: string): Expression {
    if (!isFunctionName(name)) {
      throw new ExpressionError(`there is no function ${name}; there are ${Object.keys(functions).join(', ')}`);
    }
    expectSymbol('(');
    const args: Expression[] = [];
    while (!isSymbol(')')) {
      if (args.length > 0) expectSymbol(',');
      args.push(binary(0));
    }
    next += 1;
    const [least, most] = functions[name];
    if (args.length < least || args.length > most) {
      const wanted = least === most ? String(least) : `${least} or ${most}`;
      throw new ExpressionError(`${name} takes ${wanted} arguments, not ${args.length}`);
    }
    return { kind: 'call', name, args };
  }

  const expression = binary(0);
  if (next < tokens.length) throw unexpected(peek(), 'the end');
  return expression;
}

/** The steps whose result an expression asks for. */
export function referencedSteps(expression: Expression): string[] {
  switch (expression.kind) {
    case 'literal':
      return [];
    case 'template':
      return [...expression.text.matchAll(/\$\{\{\s*steps\.([\w-]+)\.\w+\s*\}\}/g)].map((match) => match[1] ?? '');
    case 'member':
      return expression.path[0] === 'workflow' ? [] : [expression.path[0] ?? ''];
    case 'not':
    case 'negate':
      return referencedSteps(expression.operand);
    case 'binary':
      return [...referencedSteps(expression.left), ...referencedSteps(expression.right)];
    case 'call':
      break;
  }
  return expression.args.flatMap(referencedSteps);
}

/** @throws {ExpressionError} if it has no value: a variable that is not set outside of quotes, text as a number. */
export function evaluate(expression: Expression, scope: ExpressionScope): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'template':
      return templateValue(expression, scope);
    case 'member': {
      const value = scope.member(expression.path);
      if (value === undefined) throw new ExpressionError(`there is no ${expression.path.join('.')}`);
      return value;
    }
    case 'not':
      return !isTrue(evaluate(expression.operand, scope));
    case 'negate':
      return -numeric([evaluate(expression.operand, scope)], 0);
    case 'call':
      return functions[expression.name][2](
        expression.args.map((arg) => evaluate(arg, scope)),
        scope,
      );
    case 'binary':
      break;
  }
  return binaryValue(expression.operator, expression.left, expression.right, scope);
}

/** What counts as true: text that is not empty, a number that is not 0, true. */
export function isTrue(value: Value): boolean {
  return Boolean(value);
}

function templateValue({ text: template, quoted }: { text: string; quoted: boolean }, scope: ExpressionScope): Value {
  const value = scope.substitute(template);
  if (quoted) return value;
  if (value === template) throw new ExpressionError(`${template} is not set; in quotes an unset variable is text`);
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function binaryValue(operator: BinaryOperator, left: Expression, right: Expression, scope: ExpressionScope): Value {
  const a = evaluate(left, scope);
  if (operator === '&&') return isTrue(a) && isTrue(evaluate(right, scope));
  if (operator === '||') return isTrue(a) || isTrue(evaluate(right, scope));
  const b = evaluate(right, scope);
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (operator === '<' || operator === '>' || operator === '<=' || operator === '>=') return compares(operator, a, b);
  const [x, y] = [numeric([a], 0), numeric([b], 0)];
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '%':
      break;
  }
  return x % y;
}

function compares(operator: '<' | '>' | '<=' | '>=', a: Value, b: Value): boolean {
  if (!((typeof a === 'string' && typeof b === 'string') || (typeof a === 'number' && typeof b === 'number'))) {
    throw new ExpressionError(`${show(a)} and ${show(b)} cannot be compared by ${operator}`);
  }
  if (operator === '<') return a < b;
  if (operator === '>') return a > b;
  return operator === '<=' ? a <= b : a >= b;
}

function toNumber(value: Value): number {
  const result = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(result)) throw new ExpressionError(`${show(value)} is not a number`);
  return result;
}

function show(value: Value | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(functions, name);
}

/** `steps.test.result` and `test.result` mean the same. */
function memberPath(name: string): string[] {
  const parts = name.split('.');
  const path = parts[0] === 'steps' ? parts.slice(1) : parts;
  if (path.length !== 2) {
    throw new ExpressionError(
      `${name} is not a value: write '\${{${name}}}' for a variable, steps.NAME.result for a step`,
    );
  }
  return path;
}

interface Token {
  kind: 'string' | 'number' | 'name' | 'variable' | 'symbol';
  text: string;
}

const tokenPattern =
  /\s*(?:(?<variable>\$\{\{[^{}]*\}\})|(?<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|(?<symbol>==|!=|<=|>=|&&|\|\||[!<>()+\-*/%,]))/y;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < end) {
    const from = tokenPattern.lastIndex;
    const groups = tokenPattern.exec(source)?.groups;
    const found = Object.entries(groups ?? {}).find(([, matched]) => matched !== undefined);
    if (!found) throw new ExpressionError(`"${source.slice(from).trim().slice(0, 40)}" is not understood`);
    const [kind, matched] = found as [Token['kind'], string];
    tokens.push({ kind, text: kind === 'string' ? unquote(matched) : matched });
  }
  return tokens;
}

function unquote(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll(/\\(.)/g, (_, character: string) => ({ n: '\n', t: '\t' })[character] ?? character);
}

function unexpected(token: Token | undefined, wanted: string): ExpressionError {
  return new ExpressionError(`${wanted} is expected ${token ? `where "${token.text}" stands` : 'at the end'}`);
}
