import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterLimits, FilterError, durationNanoseconds, type Expression, type Field, type Literal } from './ast.ts';
import { splitConditions } from './compose.ts';
import { parseField, parseFilter } from './parse.ts';
import { printExpression, printField, printKey, quote } from './print.ts';

/** The same tree without the offsets, which printing does not keep. */
function withoutPositions(expression: Expression | undefined): unknown {
  return JSON.parse(
    JSON.stringify(expression ?? null, (key, value: unknown) => (key === 'position' ? undefined : value)),
  );
}

function refusal(text: string): { message: string; position: number } {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return { message: error.message, position: error.position };
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    'and',
    'OR',
    'not',
    'duration',
    'error',
    "'; DROP TABLE spans; --",
    '$1',
    '\\',
    '"',
    'a"b',
    'null',
    '\u0000',
  ),
);
const anyKey = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,12}$/),
  anyText.filter((text) => text !== ''),
);
const attribute: fc.Arbitrary<Field> = anyKey.map((key) => ({ type: 'attribute', key }));
const textField: fc.Arbitrary<Field> = fc.oneof(
  attribute,
  fc.constantFrom('name', 'service', 'trace.id', 'span.id').map((name) => ({ type: 'field' as const, name })),
);
const durationField: Field = { type: 'field', name: 'duration' };
const text: fc.Arbitrary<Literal> = anyText.map((value) => ({ type: 'string', value }));
const number: fc.Arbitrary<Literal> = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => String(Object.is(value, -0) ? 0 : value).replace('e+', 'e')),
  )
  .map((value) => ({ type: 'number', text: value }));
const duration: fc.Arbitrary<Literal> = fc
  .tuple(
    fc.integer({ min: -5, max: 100_000 }),
    fc.constantFrom('', '.5', '.25'),
    fc.constantFrom('ns', 'us', 'µs', 'ms', 's', 'm', 'h'),
  )
  .map(([whole, part, unit]) => ({ type: 'duration', text: `${whole}${part}${unit}` }));
const boolean: fc.Arbitrary<Literal> = fc.boolean().map((value) => ({ type: 'boolean', value }));

const test: fc.Arbitrary<Expression> = fc.oneof(
  fc
    .tuple(attribute, fc.constantFrom('=', '!=', '<', '<=', '>', '>='), fc.oneof(text, number))
    .map(([field, operator, value]) => ({ type: 'compare' as const, field, operator, value, position: 0 })),
  fc
    .tuple(attribute, fc.constantFrom('=', '!='), boolean)
    .map(([field, operator, value]) => ({ type: 'compare' as const, field, operator, value, position: 0 })),
  duration.map((value) => ({
    type: 'compare' as const,
    field: durationField,
    operator: '>=' as const,
    value,
    position: 0,
  })),
  fc
    .tuple(textField, fc.constantFrom('contains', '!contains', 'matches', '!matches'), anyText)
    .map(([field, operator, value]) => ({ type: 'text' as const, field, operator, value, position: 0 })),
  fc
    .tuple(textField, fc.boolean())
    .map(([field, negated]) => ({ type: 'exists' as const, field, negated, position: 0 })),
  fc
    .tuple(attribute, fc.boolean(), fc.array(fc.oneof(text, number, boolean), { minLength: 1, maxLength: 4 }))
    .map(([field, negated, values]) => ({ type: 'in' as const, field, negated, values, position: 0 })),
);
const anyExpression: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    test,
    fc.record({
      type: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('not' as const), term: tie('tree') }),
  ),
})).tree;

const nested = (depth: number) => '('.repeat(depth) + 'a=1' + ')'.repeat(depth);
const many = (count: number) => Array.from({ length: count }, () => 'a=1').join(' or ');
const list = (count: number) => `a in (${Array.from({ length: count }, () => '1').join(',')})`;

describe('the filter language', () => {
  it('reads what the README shows', () => {
    expect(parseFilter('hotrod.customer.name = "Value Walking" and duration > 2s')).toEqual({
      type: 'and',
      terms: [
        {
          type: 'compare',
          field: { type: 'attribute', key: 'hotrod.customer.name' },
          operator: '=',
          value: { type: 'string', value: 'Value Walking' },
          position: 0,
        },
        {
          type: 'compare',
          field: { type: 'field', name: 'duration' },
          operator: '>',
          value: { type: 'duration', text: '2s' },
          position: 43,
        },
      ],
    });
    expect(parseFilter('')).toBeUndefined();
    expect(parseFilter(' \n\t ')).toBeUndefined();
  });

  it('gives not precedence over and, and over or', () => {
    expect(splitConditions('a=1 or not b=2 and c=3')).toEqual(['a = 1 or not b = 2 and c = 3']);
    expect(withoutPositions(parseFilter('a=1 or not b=2 and c=3'))).toEqual(
      withoutPositions(parseFilter('(a = 1) or ((not (b = 2)) and c = 3)')),
    );
  });

  it('accepts both spellings of the negative operators, and words in upper case', () => {
    const pairs = [
      ['a not exists', 'a !exists'],
      ['a NOT IN (1, 2)', 'a !in (1,2)'],
      ['a not contains "x"', 'a !contains "x"'],
      ['a not matches "x"', 'a !matches "x"'],
      ['NOT a = TRUE OR b EXISTS', 'not a = true or b exists'],
    ] as const;
    for (const [left, right] of pairs)
      expect(withoutPositions(parseFilter(left))).toEqual(withoutPositions(parseFilter(right)));
  });

  it('lets quotes turn any name into the key of an attribute', () => {
    expect(parseField('duration')).toEqual({ type: 'field', name: 'duration' });
    expect(parseField('"duration"')).toEqual({ type: 'attribute', key: 'duration' });
    expect(parseField('root.any key')).toEqual({ type: 'intrinsic', name: 'root.any key' });
    expect(parseField(printField(parseField('root.any key')))).toEqual({ type: 'intrinsic', name: 'root.any key' });
    expect(parseField('root')).toEqual({ type: 'attribute', key: 'root' });
    expect(parseField('scope')).toEqual({ type: 'intrinsic', name: 'scope' });
    expect(parseField('"scope"')).toEqual({ type: 'attribute', key: 'scope' });
    // The services' names are anybody's, so quotes change nothing there.
    for (const given of ['trace.service_ms.a b', '"trace.service_ms.a b"']) {
      expect(parseField(given)).toEqual({ type: 'intrinsic', name: 'trace.service_ms.a b' });
    }
    expect(printField({ type: 'intrinsic', name: 'trace.service_ms.a b' })).toBe('"trace.service_ms.a b"');
    expect(printField({ type: 'intrinsic', name: 'scope' })).toBe('scope');
    expect(printKey('scope')).toBe('"scope"');
    expect(parseField('odd key, bare')).toEqual({ type: 'attribute', key: 'odd key, bare' });
    expect(printKey('error')).toBe('"error"');
    expect(printKey('And')).toBe('"And"');
    expect(printKey('http.route')).toBe('http.route');
    expect(printKey('a b')).toBe('"a b"');
  });

  it('reports the position and the reason of a syntax error', () => {
    const cases: [string, number, RegExp][] = [
      ['a = ', 4, /value, found the end/],
      ['a = b', 4, /Text is quoted: "b"/],
      ["a = 'b'", 4, /quoted with "/],
      ['a = "b', 4, /no closing/],
      ['a = "\\x"', 5, /After \\/],
      ['= 3', 0, /Expected a key/],
      ['and = 3', 0, /must be quoted/],
      ['a 3', 2, /Expected an operator/],
      ['a = 3 b = 4', 6, /"and", "or" or the end/],
      ['(a = 3', 0, /closing "\)"/],
      ['a in ()', 6, /Expected a value/],
      ['a in 3', 5, /Expected "\("/],
      ['duration > 2', 11, /needs a unit/],
      ['duration contains "2"', 18, /not a text/],
      ['hotrod.x > 2s', 11, /Only "duration"/],
      ['kind = "sever"', 7, /"server"/],
      ['status = "bad"', 9, /"unset", "ok", "error"/],
      ['error = "true"', 8, /true or false/],
      ['error > true', 8, /= and !=/],
      ['start > "9999-12-31T23:59:59Z"', 8, /too far/],
      ['duration > 9999999h', 11, /too long/],
      ['start > "yesterday"', 8, /instant/],
      ['name = 3', 7, /quotes/],
      ['a > 1e999', 4, /too large/],
      ['a > 12x', 4, /neither a number nor/],
      ['a = 1; DROP TABLE spans', 5, /Unexpected character ";"/],
      ['a md5 "x"', 6, /32 digits/],
    ];
    for (const [source, at, message] of cases) {
      const { message: said, position: where } = refusal(source);
      expect([source, where, said]).toEqual([source, at, expect.stringMatching(message)]);
    }
  });

  it('limits length, depth, conditions, lists and patterns', () => {
    const long = `a = "${'x'.repeat(filterLimits.characters)}"`;
    expect(refusal(long).message).toMatch(/4096 characters/);
    expect(parseFilter(nested(filterLimits.depth))).toBeDefined();
    expect(refusal(nested(filterLimits.depth + 1))).toEqual({
      message: 'A filter nests at most 32 deep.',
      position: 32,
    });
    expect(refusal('not '.repeat(40) + 'a=1').message).toMatch(/32 deep/);
    expect(parseFilter(many(filterLimits.tests))).toBeDefined();
    expect(refusal(many(filterLimits.tests + 1)).message).toMatch(/100 conditions/);
    expect(parseFilter(list(filterLimits.listValues))).toBeDefined();
    expect(refusal(list(filterLimits.listValues + 1)).message).toMatch(/200 values/);
    expect(refusal(`a matches "${'x'.repeat(filterLimits.pattern + 1)}"`).message).toMatch(/256 characters/);
  });

  it('knows the units of durations', () => {
    expect(['1.5m', '2s', '800ms', '3us', '3µs', '7ns', '1h', '-1s'].map(durationNanoseconds)).toEqual([
      90e9, 2e9, 800e6, 3000, 3000, 7, 3600e9, -1e9,
    ]);
    expect(durationNanoseconds('2')).toBeUndefined();
    expect(durationNanoseconds('2d')).toBeUndefined();
  });
});

describe('properties of the filter language', () => {
  it('prints every tree so that it reads back the same', () => {
    fc.assert(
      fc.property(anyExpression, (expression) => {
        const printed = printExpression(expression);
        fc.pre(printed.length <= filterLimits.characters);
        expect(withoutPositions(parseFilter(printed))).toEqual(withoutPositions(expression));
      }),
      { numRuns: 500 },
    );
  });

  it('quotes every text and every key so that they read back the same', () => {
    fc.assert(
      fc.property(anyText, anyKey, (value, key) => {
        expect(parseFilter(`a = ${quote(value)}`)).toMatchObject({ value: { type: 'string', value } });
        expect(parseField(printField({ type: 'attribute', key }))).toEqual({ type: 'attribute', key });
        expect(parseFilter(`${printKey(key)} exists`)).toMatchObject({ field: { type: 'attribute', key } });
      }),
      { numRuns: 500 },
    );
  });

  it('answers any text with a tree or a FilterError inside the text', () => {
    const piece = fc.oneof(
      anyText,
      fc.constantFrom(
        '(',
        ')',
        '"',
        ' and ',
        ' or ',
        'not ',
        'a',
        ' = ',
        '1',
        '2s',
        ' in ',
        ',',
        '\\',
        '!exists',
        '-',
        '1e',
        'true',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const source = pieces.join('');
        try {
          parseFilter(source);
        } catch (error) {
          if (!(error instanceof FilterError)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(0);
          expect(error.position).toBeLessThanOrEqual(source.length);
          expect(error.message).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
