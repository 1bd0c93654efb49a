import { expect, it } from 'vitest';

import { ephemeralWarning } from './ports.ts';

const range = { first: 32_768, last: 60_999 };

it('warns of ports that a connection may take by chance, and names a safer place', () => {
  expect(ephemeralWarning([40_000, 40_009], range)).toMatch(/40000 to 40009 .*32768 to 60999.* below 32768 is safer/);
  expect(ephemeralWarning([32_767, 32_768], range)).toContain('32768 to 32768');
});

it('does not warn of other ports', () => {
  expect(ephemeralWarning([8_080, 8_089, 61_000], range)).toBeNull();
});
