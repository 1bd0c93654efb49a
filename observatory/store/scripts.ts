import { readFileSync } from 'node:fs';

import { promotedAttributes, rootAttributes } from '../records/hot-attributes.ts';

/** The two sets of staging tables (staging.sql). */
export type Side = 'a' | 'b';
const sides: readonly Side[] = ['a', 'b'];

/** The text of a file of SQL of this directory. */
export function script(file: string): string {
  return readFileSync(new URL(`./${file}`, import.meta.url), 'utf8');
}

/** A span's own texts in the order in which records/span-packer.ts packs them; those that are null may be missing. */
const spanTextColumns = [
  ['trace_id', 'required'],
  ['span_id', 'required'],
  ['parent_span_id', 'optional'],
  ['name', 'required'],
  ['kind', 'required'],
  ['status', 'required'],
  ['status_message', 'optional'],
  ['events', 'required'],
  ['links', 'required'],
  ['service', 'required'],
  ['service_version', 'optional'],
  ['scope', 'optional'],
] as const;
const firstPromoted = spanTextColumns.length + 1;

/** Fills the gaps `promoted` and `root_promoted` of a script: SQL for each column of hot attributes. */
function withColumns(
  text: string,
  ofSpan: (column: string, index: number) => string,
  ofRoot: (column: string, key: string) => string,
): string {
  const promoted = Object.values(promotedAttributes).map(ofSpan);
  const rootPromoted = Object.entries(rootAttributes).map(([key, column]) => ofRoot(column, key));
  return text.replaceAll('{{promoted}}', promoted.join('\n')).replaceAll('{{root_promoted}}', rootPromoted.join('\n'));
}

/** Makes the tables of the file that are missing. */
export function tablesScript(): string {
  const declared = (column: string): string => `${column} VARCHAR,`;
  return withColumns(script('schema.sql'), declared, declared);
}

/** The statements of staging.sql: tables, macros and views, in this order. */
function stagingStatements(): string[] {
  return fillGaps(script('ingest/staging.sql'))
    .split(/;$/m)
    .filter((statement) => statement.includes('CREATE'))
    .flatMap((statement) =>
      statement.includes('{{side}}') ? sides.map((side) => statement.replaceAll('{{side}}', side)) : [statement],
    )
    .map((statement) => `${statement};`);
}

/** Makes all that the ingest needs in memory. */
export function stagingScript(): string {
  return stagingStatements().join('');
}

/** What makes a staging table anew, by the name of the table. */
export function stagingTables(): ReadonlyMap<string, string> {
  const tables = new Map<string, string>();
  for (const statement of stagingStatements()) {
    const name = /CREATE OR REPLACE TABLE (\w+)/.exec(statement)?.[1];
    if (name !== undefined) tables.set(name, statement);
  }
  return tables;
}

/** The side of a staging table; null if a flush fills it as a whole. */
export function sideOf(table: string): Side | null {
  return sides.find((side) => table.endsWith(`_${side}`)) ?? null;
}

/** Fills the gaps of a script of staging tables, all but `side`. */
function fillGaps(template: string): string {
  const gaps = {
    root_keys: Object.keys(rootAttributes)
      .map((key) => `'${key}'`)
      .join(', '),
    first_value: String(firstPromoted + Object.keys(promotedAttributes).length),
    span_texts: spanTextColumns
      .map(([column, need], index) => `${need === 'optional' ? 'o' : 't'}[${index + 1}] AS ${column},`)
      .join('\n'),
  };
  let text = template;
  for (const [gap, sqlText] of Object.entries(gaps)) text = text.replaceAll(`{{${gap}}}`, sqlText);
  return withColumns(
    text,
    (column, index) => `o[${firstPromoted + index}] AS ${column},`,
    (column, key) => `all_attributes['${key}'] AS ${column},`,
  );
}
