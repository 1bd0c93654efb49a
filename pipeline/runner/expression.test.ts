import { describe, expect, test } from 'vitest';

import { evaluate, ExpressionError, parseExpression, referencedSteps } from './expression.ts';
import { substitute } from './variables.ts';

const variables: Record<string, string> = {
  CF_BRANCH: 'main',
  COUNT: '12',
  CHANGED: 'customer route',
  HOSTILE: `x' == 'x" || true || '`,
};
const scope = {
  substitute: (text: string) => substitute(text, (name) => variables[name]),
  variable: (name: string) => variables[name],
  member: ([step, field]: readonly string[]) => (step === 'test' && field === 'result' ? 'failure' : undefined),
};
const valueOf = (source: string) => evaluate(parseExpression(source), scope);

// What Codefresh documents of each function and operator.
test.each([
  [`'\${{CF_BRANCH}}' == 'main'`, true],
  [`"\${{CF_BRANCH}}" != "main"`, false],
  [`\${{COUNT}} > 5 && \${{COUNT}} <= 12`, true],
  [`includes('\${{CHANGED}}', 'route') == true`, true],
  [`includes(lower("Please SKIP CI"), "skip ci") == false`, false],
  [`!includes('\${{CHANGED}}', 'driver')`, true],
  [`steps.test.result == 'failure' || test.result == 'success'`, true],
  [`1 + 2 * 3 - 8 / 4 % 3`, 5],
  [`-(1 + 2) < 0`, true],
  [`'a' + 'b' == 'ab'`, true],
  [`'a' < 'b'`, true],
  [`null == false`, false],
  [`1 == '1'`, false],
  [`String(40) == '40' && Number('50') == 50 && Boolean('') == false`, true],
  [`round(1.95) == 2 && floor(1.95) == 1`, true],
  [`trim(' a ') + trimLeft(' b') + trimRight('c ') == 'abc'`, true],
  [`replace('hello there', 'e', 'a') == 'hallo thara'`, true],
  [`substring("hello world", 6, 11) == upper('world')`, false],
  [`length('gump') == 4 && indexOf('codefresh', 'odef') == 1`, true],
  [`match('hello there you', '^HELL', true)`, true],
  [`match('v1', '^v\\\\d+$', false)`, true],
  [`Variable('CF_BRANCH') == 'main' && Member('test', 'result') == 'failure'`, true],
  [`Variable('NONE') == null`, true],
])('evaluates %s', (source, expected) => {
  expect(valueOf(source)).toBe(expected);
});

test('never lets the value of a variable change the meaning of an expression', () => {
  expect(valueOf(`'\${{HOSTILE}}' == 'main'`)).toBe(false);
  expect(valueOf(`"\${{HOSTILE}}" == "main"`)).toBe(false);
});

test('leaves a variable that is not set as it is written, in quotes', () => {
  expect(valueOf(`'\${{NONE}}' == '\${{NONE}}' && length('\${{NONE}}') == 9`)).toBe(true);
});

test.each([
  [`\${{NONE}} == 1`, /NONE.* is not set/],
  [`other.result == 'success'`, /there is no other.result/],
  [`Number('hello')`, /"hello" is not a number/],
  [`lower(5)`, /a string is expected, not 5/],
  [`'a' > 1`, /cannot be compared/],
])('says why %s has no value', (source, message) => {
  expect(() => valueOf(source)).toThrow(message);
});

test.each([
  ['', /a value is expected at the end/],
  ['1 ==', /a value is expected at the end/],
  ['(1', /"\)" is expected at the end/],
  ['1 2', /the end is expected where "2" stands/],
  ['CF_BRANCH == 1', /write '\$\{\{CF_BRANCH\}\}' for a variable/],
  ['system("rm")', /there is no function system/],
  ['upper()', /upper takes 1 arguments, not 0/],
  ['a = 1', /is not understood/],
])('refuses %j', (source, message) => {
  expect(() => parseExpression(source)).toThrow(ExpressionError);
  expect(() => parseExpression(source)).toThrow(message);
});

describe('referencedSteps', () => {
  test('names the steps whose results are asked for', () => {
    const source = `steps.a.result == 'success' || '\${{steps.b.result}}' == lower(c-d.result) && workflow.result == 'x'`;
    expect(referencedSteps(parseExpression(source))).toEqual(['a', 'b', 'c-d']);
  });
});
