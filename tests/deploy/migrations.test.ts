import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { root } from '../harness/suite.ts';

/**
 * What a migration may not do, and why. While a release rolls out, and after a rollback, the release before runs on the
 * newer schema: it must find all that it knows, and be able to write as it always has.
 */
const forbidden: { rule: string; pattern: RegExp }[] = [
  { rule: 'drops what the release before may read', pattern: /\bDROP\s+(?!DEFAULT\b)/i },
  { rule: 'renames what the release before knows by its old name', pattern: /\bRENAME\b/i },
  { rule: 'takes data away', pattern: /\b(TRUNCATE|DELETE\s+FROM)\b/i },
  { rule: 'changes a type', pattern: /\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b/i },
  { rule: 'refuses rows that the release before writes', pattern: /\bSET\s+NOT\s+NULL\b|\bADD\s+CONSTRAINT\b/i },
  {
    rule: 'adds a column that the release before cannot fill',
    pattern: /\bADD\s+COLUMN\b(?=[^,;]*\bNOT\s+NULL\b)(?![^,;]*\bDEFAULT\b)/i,
  },
];

/** What is wrong with a migration; the bodies of functions and texts in quotes are not looked at. */
function faults(sql: string): string[] {
  const code = sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .replaceAll(/'(?:[^']|'')*'/g, "''");
  return forbidden.filter(({ pattern }) => pattern.test(code)).map(({ rule }) => rule);
}

test.each([
  ['DROP TABLE drivers', 'drops'],
  ['ALTER TABLE drivers DROP COLUMN ride', 'drops'],
  ['ALTER TABLE drivers RENAME COLUMN ride TO ride_id', 'renames'],
  ['DELETE FROM drivers', 'takes data away'],
  ['ALTER TABLE drivers ALTER COLUMN id TYPE bigint', 'changes a type'],
  ['ALTER TABLE drivers ALTER ride SET NOT NULL', 'refuses rows'],
  ['ALTER TABLE drivers ADD COLUMN rating int NOT NULL', 'cannot fill'],
])('a migration may not say: %s', (sql, rule) => {
  expect(faults(sql)).toEqual([expect.stringContaining(rule)]);
});

test.each([
  'ALTER TABLE drivers ADD COLUMN rating int',
  'ALTER TABLE drivers ADD COLUMN rating int NOT NULL DEFAULT 0',
  "-- DROP TABLE is not what we do\nINSERT INTO notes VALUES ('DROP TABLE drivers')",
  'CREATE INDEX drivers_by_rating ON drivers (rating)',
  'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM scratch; END $$',
])('a migration may say: %s', (sql) => {
  expect(faults(sql)).toEqual([]);
});

test('every migration only adds, so that the release before can run on its schema', () => {
  const services = join(root, 'services');
  const files = readdirSync(services, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)migrations\/.*\.sql$/.test(file.replaceAll('\\', '/')),
  );
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) expect(faults(readFileSync(join(services, file), 'utf8')), file).toEqual([]);
});
