import { describe, expect, test } from 'vitest';

import { createMasker, secretValues } from './mask.ts';

const secret = 'k3y-nobody-may-see';

test('knows secrets by the names of their variables', () => {
  const variables = {
    HONEYCOMB_API_KEY: secret,
    DB_PASSWORD: 'pass-word',
    GITHUB_TOKEN: 'tok',
    HOME: '/root',
    KEY_FILE: '/a/b/c/d',
  };
  // A value of three letters would be found in the middle of words.
  expect(secretValues(variables)).toEqual([secret, 'pass-word']);
});

describe('a masker', () => {
  const masker = createMasker([secret, 'a&b c"d ef']);

  test.each([
    ['as it is', `key=${secret};`, 'key=******;'],
    ['twice', `${secret}${secret}`, '************'],
    ['in a URL', `?q=${encodeURIComponent('a&b c"d ef')}`, '?q=******'],
    ['in JSON', JSON.stringify({ a: 'a&b c"d ef' }), '{"a":"******"}'],
  ])('hides a secret %s', (_, text, expected) => {
    expect(masker.mask(text)).toBe(expected);
  });

  test.each(['', 'u', 'us', 'user:', 'someone:'])('hides a secret in base64 behind %j', (before) => {
    const encoded = Buffer.from(`${before}${secret}:after`).toString('base64');
    const masked = masker.mask(`authorization: Basic ${encoded}`);
    expect(masked).toContain('******');
    // What is left of it does not tell more than a letter at each end.
    const left = Buffer.from(masked.replace('authorization: Basic ', '').replaceAll('*', ''), 'base64').toString(
      'latin1',
    );
    expect(left).not.toContain(secret.slice(2, -2));
  });

  test('hides a secret that is cut in two at any place', () => {
    const text = `one ${secret} two`;
    for (let cut = 1; cut < text.length; cut += 1) {
      let output = '';
      const stream = masker.stream((piece) => (output += piece));
      stream.write(text.slice(0, cut));
      stream.write(text.slice(cut));
      stream.end();
      expect(output).toBe('one ****** two');
    }
  });

  test('passes on text that only looks like the beginning of a secret', () => {
    const pieces: string[] = [];
    const stream = masker.stream((piece) => pieces.push(piece));
    stream.write('a k3y-');
    expect(pieces.join('')).toBe('a ');
    stream.write('hole');
    stream.write(' k3');
    stream.end();
    expect(pieces.join('')).toBe('a k3y-hole k3');
  });

  test('hides each line of a secret of several lines', () => {
    const key = createMasker(['-----BEGIN KEY-----\nabcdefghijkl\nmnopqrstuvwx\n-----END KEY-----\n']);
    expect(key.mask('line: mnopqrstuvwx')).toBe('line: ******');
  });

  test('hides a secret that becomes known later', () => {
    const later = createMasker();
    expect(later.mask('a new-secret')).toBe('a new-secret');
    later.add(['new-secret']);
    expect(later.mask('a new-secret')).toBe('a ******');
  });
});
