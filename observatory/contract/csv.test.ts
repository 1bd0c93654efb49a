import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

test('CSV quotes what needs quotes, and lets no spreadsheet run a value', () => {
  const csv = toCsv(
    ['name', 'count'],
    [
      ['Value Walking', 3],
      ['a "b", c\nd', null],
      ['=HYPERLINK("http://x")', -4],
      ['@SUM(A1)', 0],
    ],
  );
  expect(csv).toBe(
    'name,count\r\nValue Walking,3\r\n"a ""b"", c\nd",\r\n"\'=HYPERLINK(""http://x"")",-4\r\n\'@SUM(A1),0\r\n',
  );
});
