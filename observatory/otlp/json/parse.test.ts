import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { createSlices } from '../../async/pause.ts';
import { parseJson } from './parse.ts';
import { MalformedError } from '../malformed-error.ts';

vi.setConfig({ testTimeout: 60_000 });

const partBytes = 16;
const parsed = (text: string): Promise<unknown> => parseJson(Buffer.from(text), createSlices(8, 1), partBytes);
/** Longer than a part, as are two of them together without commas between. */
const filler = 'x'.repeat(9);
const spaces = ' '.repeat(20);

// No key is an escape: after `[{"a":1,"\\":2}]`, Node 24's JSON.parse takes the key of `[{"a":1,"\"":2}]` for a backslash, too.
const key = fc.oneof(
  fc.stringMatching(/^[^"\\\p{Cc}]*$/u),
  fc.constantFrom('', '1', '0', '__proto__', 'toString', ',', ']', '{'),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'large', maxDepth: 6 },
    fc.string({ unit: 'grapheme' }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    fc.constantFrom(null, true, false, '\\', '"', '\\"],', filler, filler),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

describe('long JSON', () => {
  it('parses to what JSON.parse returns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1 }), fc.constantFrom('', ' ', '\n\t'), async (values, indent) => {
        const text = JSON.stringify([...values, filler, filler, values], null, indent);
        expect(await parsed(text)).toEqual(JSON.parse(text));
        const inObject = `${indent}{"a": ${text}, "b" :${JSON.stringify(filler)},"a":[${text} ]}${indent}`;
        expect(await parsed(inObject)).toEqual(JSON.parse(inObject));
      }),
      { numRuns: 300 },
    );
  });

  it('accepts and refuses damaged text as JSON.parse does', async () => {
    const good = `[{"a":["${filler}","${filler}",{"b":[1,"${filler}",2,"${filler}"]}],"c":[],"d":{}},"${filler}","${filler}",[3],4]`;
    const places = [...good.matchAll(/[^x]/g)].map((match) => match.index);
    for (const at of places) {
      for (const other of ['', ',', ']', '[', '}', '{', '"', '1', ' ']) {
        const text = good.slice(0, at) + other + good.slice(at + 1);
        const outcome = await parsed(text).catch((error: unknown) => {
          expect(error).toBeInstanceOf(MalformedError);
          return 'refused';
        });
        expect([at, other, outcome]).toEqual([at, other, orRefused(text)]);
      }
    }
  });

  it.each([
    `[${spaces}]`,
    `{${spaces}}`,
    `[${spaces},1]`,
    `[1,${spaces}]`,
    `{"a":1,${spaces}}`,
    `{${spaces},"a":1}`,
    `[[${spaces}][1]]`,
    `[[${spaces}]1]`,
    `{"a":1 "b":[${spaces}]}`,
    `{[${spaces}]}`,
    `[1 [${spaces}]]`,
    `1[${spaces}]`,
    `[${spaces}]1`,
    `[${spaces}][${spaces}]`,
    `,[${spaces}]`,
    `[${spaces}}`,
    `[${spaces}`,
    `${spaces}1${spaces}`,
    `"${filler}${filler}"`,
    `"${filler}${filler}`,
    spaces,
  ])('is refused or taken as JSON.parse does: number %#', async (text) => {
    expect(await parsed(text).catch(() => 'refused')).toEqual(orRefused(text));
  });

  it('keeps long integers', async () => {
    const text = `{"a":[${'1,'.repeat(20)}1763712000123456789,1.5e300],"b":-9007199254740993}`;
    expect(await parsed(text)).toMatchObject({
      a: [...Array.from({ length: 20 }, () => 1), '1763712000123456789', 1.5e300],
      b: '-9007199254740993',
    });
  });

  it('is refused where it is nested too deep', async () => {
    await expect(parsed('['.repeat(200_000))).rejects.toBeInstanceOf(MalformedError);
  });
});

function orRefused(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return 'refused';
  }
}
