import { describe, expect, it } from 'vitest';

import { formatLocation, parseLocation } from './location.ts';
import { createSeededRandom } from './random.ts';

describe('parseLocation', () => {
  it.each([
    ['0,0', { x: 0, y: 0 }],
    ['1000,1000', { x: 1000, y: 1000 }],
    ['115,277', { x: 115, y: 277 }],
    ['618.3,0.125', { x: 618.3, y: 0.125 }],
    ['0007,12', { x: 7, y: 12 }],
    ['1.123456,2', { x: 1.123456, y: 2 }],
  ])('reads %s', (text, location) => {
    expect(parseLocation('pickup', text)).toEqual(location);
  });

  it.each([
    undefined,
    null,
    7,
    {},
    ['1,2'],
    ['1', '2'],
    '',
    ',',
    '1',
    '1,',
    ',2',
    '1,2,3',
    '1 ,2',
    ' 1,2',
    '1,2\n',
    '1;2',
    '-1,2',
    '1,-0.5',
    '+1,2',
    '1e2,2',
    '0x1,2',
    '1.,2',
    '.5,2',
    '1001,2',
    '1,1000.000001',
    '9999,1',
    '1.1234567,2',
    'NaN,1',
    'Infinity,1',
    '１,２',
    "1,2'; DROP TABLE drivers; --",
  ])('refuses %j', (text) => {
    expect(() => parseLocation('pickup', text)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('"pickup"') }),
    );
  });

  it('refuses a long text, and does not repeat it', () => {
    let message = '';
    try {
      parseLocation('pickup', `${'9'.repeat(100_000)},1`);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('"pickup"');
    expect(message.length).toBeLessThan(200);
  });
});

describe('formatLocation', () => {
  it('writes what parseLocation reads, for any point of the city', () => {
    const random = createSeededRandom(3);
    const points = Array.from({ length: 1000 }, () => ({ x: random() * 1000, y: random() * 1000 }));
    for (const point of [...points, { x: 0, y: 1000 }, { x: 0.1 + 0.2, y: 1e-7 }]) {
      const read = parseLocation('pickup', formatLocation(point));
      expect(Math.abs(read.x - point.x)).toBeLessThan(1e-6);
      expect(Math.abs(read.y - point.y)).toBeLessThan(1e-6);
    }
  });

  it('keeps short numbers short', () => {
    expect(formatLocation({ x: 115, y: 277.5 })).toBe('115,277.5');
  });
});
