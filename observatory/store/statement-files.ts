import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Sql } from './sql.ts';

/** The files of SQL below this folder by name, without `.sql`. */
const statementFiles = findStatements(import.meta.dirname);
const statements = new Map<string, string>();

function findStatements(directory: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.sql')) continue;
    const name = basename(file, '.sql');
    const other = found.get(name);
    if (other !== undefined) throw new Error(`two statements are called ${name}: ${other} and ${file}`);
    found.set(name, file);
  }
  return found;
}

function statement(name: string): string {
  let text = statements.get(name);
  if (text === undefined) {
    const file = statementFiles.get(name);
    if (file === undefined) throw new Error(`no such statement: ${name}`);
    text = readFileSync(join(import.meta.dirname, file), 'utf8');
    statements.set(name, text);
  }
  return text;
}

/** The text of `<name>.sql` with SQL in its `{{gaps}}`. @throws for an unknown name, and for a gap without SQL. */
export function fill(name: string, fragments: Readonly<Record<string, Sql>>): string {
  return statement(name).replaceAll(/\{\{(\w+)\}\}/g, (_gap, fragment: string) => {
    const text = fragments[fragment];
    if (text === undefined) throw new Error(`${name}.sql: no SQL given for {{${fragment}}}`);
    return text;
  });
}

/** The same for a file that holds a part of statements. */
export function part(name: string, fragments: Readonly<Record<string, Sql>>): Sql {
  return fill(name, fragments) as Sql;
}
