import type { AttributeValue, Scope } from '../contract/contract.ts';
import { type IntrinsicName, isOfRoot, rootPrefix, serviceMsPrefix } from '../filter/ast.ts';
import { copyType } from '../records/attribute-shapes.ts';
import { promotedAttributes, rootAttributes } from '../records/hot-attributes.ts';
import { type Binder, type Sql, sql } from './sql.ts';

const allHotAttributes: Readonly<Record<string, string>> = { ...promotedAttributes, ...rootAttributes };

/** The hot attributes that have columns in a scope. */
export function hotAttributes(scope: Scope): Readonly<Record<string, string>> {
  return scope === 'roots' ? allHotAttributes : promotedAttributes;
}

/** Hot attributes that some resources have, too: a browser's. The others are looked for on spans alone. */
const ofResourcesToo: ReadonlySet<string> = new Set(['user_agent.original']);

/** The columns of what OTLP holds beside the attributes and the built-in fields; all are text. */
const intrinsicColumns = {
  'status.message': 'status_message',
  scope: 'scope',
  'parent.id': 'parent_span_id',
  'service.name': 'service',
  'service.version': 'service_version',
} as const;

/** The roll-up of a trace on its entry span (scope `roots` alone); `trace.service_ms.<service>` is one more of them. */
const rollUpColumns = {
  'trace.span_count': 'span_count',
  'trace.error_count': 'error_count',
  'trace.services': 'services',
  'trace.slowest_statement': 'slowest_statement',
  'trace.slowest_statement_ms': 'slowest_statement_ns',
} as const;
export const rollUpNames = Object.keys(rollUpColumns);
const columnsOfNames: Readonly<Record<IntrinsicName, string>> = { ...intrinsicColumns, ...rollUpColumns };

/** Intrinsic names for which resources have an attribute with the same value. */
export const toldByResources: readonly string[] = ['service.name', 'service.version'];

/** Those of the above whose columns are not texts. */
const typed: Readonly<Record<Scope, Readonly<Record<string, Sql>>>> = {
  spans: { error: sql`s.error` },
  roots: {
    error: sql`s.error`,
    'trace.span_count': sql`s.span_count`,
    'trace.error_count': sql`s.error_count`,
    'trace.slowest_statement_ms': sql`(s.slowest_statement_ns / 1e6)`,
  },
};

/**
 * An attribute that OTLP or a roll-up gives and that is not a text, in the type that it has; undefined for any other.
 * Converting a million values to text takes longer than counting them.
 */
export function typedColumn(key: string, scope: Scope): Sql | undefined {
  return Object.hasOwn(typed[scope], key) ? typed[scope][key] : undefined;
}

/**
 * The SQL expression for what an intrinsic name means, as text, of the row `s` of the view `spans` or `roots`. Only
 * entry spans have a roll-up; on other spans its name is like any other attribute's.
 */
export function intrinsicColumn(name: string, scope: Scope, binder: Binder): Sql {
  if (isOfRoot(name)) return rootColumn(name.slice(rootPrefix.length), scope, binder);
  const other = typedColumn(name, scope);
  if (other) return sql`${other}::VARCHAR`;
  if (scope === 'roots' && name.startsWith(serviceMsPrefix)) {
    const service = binder.bind(name.slice(serviceMsPrefix.length));
    return sql`(s.service_ns[${service}] / 1e6)::VARCHAR`;
  }
  const columns = scope === 'roots' ? columnsOfNames : intrinsicColumns;
  return lookUp(columns, name) ?? attributeColumn(name, scope, binder);
}

/** The entry span's own fields that `root.<name>` can mean, beside its attributes; all are text. */
const rootFields: Readonly<Record<string, string>> = {
  name: 'name',
  service: 'service',
  kind: 'kind',
  status: 'status',
};

/** What `root.<key>` means of the entry span itself, the row `s` of the view `roots`, as text. */
export function ownColumnOfRoot(key: string, binder: Binder): Sql {
  return (
    lookUp(rootFields, key) ??
    (isOfRoot(key) ? attributeColumn(key, 'roots', binder) : intrinsicColumn(key, 'roots', binder))
  );
}

/**
 * What the entry span of the trace of the row `s` has, as text. If there are several entry spans, it is the value of
 * the first one that has it. The database does this with one join for all spans.
 */
function rootColumn(key: string, scope: Scope, binder: Binder): Sql {
  const own = ownColumnOfRoot(key, binder);
  if (scope === 'roots') return own;
  return sql`(
    SELECT arg_min(r.value, r.start_ns)
    FROM (SELECT s.trace_id, s.start_ns, ${own} AS value FROM roots s) r
    WHERE r.trace_id = s.trace_id
  )`;
}

/**
 * The SQL expression that gives the attribute `key` as text (VARCHAR, NULL if missing) of the row `s` of the view
 * `spans` or `roots`, so a query says `FROM spans s`. A span's own attribute comes before its resource's. Keys are
 * bound, never written into the text.
 */
export function attributeColumn(key: string, scope: Scope, binder: Binder): Sql {
  const own = ownColumn(key, scope, binder);
  return isOfResources(key) ? sql`coalesce(${own}, ${resourceColumn(key, sql`s.resource_id`, binder)})` : own;
}

/** What the span itself says of the attribute `key`; its resource may say something if this is NULL. */
export function ownColumn(key: string, scope: Scope, binder: Binder): Sql {
  return lookUp(hotAttributes(scope), key) ?? sql`s.attributes[${binder.bind(key)}]`;
}

/** What a resource says of the attribute `key`. */
export function resourceColumn(key: string, resourceId: Sql, binder: Binder): Sql {
  return sql`(SELECT r.attributes[${binder.bind(key)}] FROM resources r WHERE r.resource_id = ${resourceId})`;
}

/** Whether an attribute is looked for on resources, too: all that are not hot, and a few of the hot ones. */
export function isOfResources(key: string): boolean {
  return !Object.hasOwn(allHotAttributes, key) || ofResourcesToo.has(key);
}

function lookUp(columns: Readonly<Record<string, string>>, key: string): Sql | undefined {
  // Own keys alone: `constructor` is not a column. The value is a literal of this file.
  return Object.hasOwn(columns, key) ? (`s.${columns[key]}` as Sql) : undefined;
}

/** An attribute as text and type: the inverse of what the ingest stored. */
function readAttribute(text: string, type: string | undefined): AttributeValue {
  switch (type) {
    case 'i': {
      const value = Number(text);
      return Number.isSafeInteger(value) ? value : text;
    }
    case 'd':
      // JSON knows no NaN and no infinities: they stay text.
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case 'b':
      return text === 'true';
    case 'j':
      return JSON.parse(text) as AttributeValue;
    case 'n':
      return null;
    default:
      return text;
  }
}

/** The attributes of a row of `spans` or `logs` or `resources` with their types, exactly as they were sent. */
export function readAttributes(row: Readonly<Record<string, unknown>>): Record<string, AttributeValue> {
  const types = (typeof row.types === 'string' ? JSON.parse(row.types) : {}) as Record<string, string>;
  const typeOf = (key: string): string | undefined => (Object.hasOwn(types, key) ? types[key] : undefined);
  const entries: [string, AttributeValue][] = [];
  for (const [key, text] of Object.entries((row.attributes ?? {}) as Record<string, string>)) {
    entries.push([key, readAttribute(text, typeOf(key))]);
  }
  for (const [key, column] of Object.entries(promotedAttributes)) {
    const text = row[column];
    // A long value is whole in the MAP, and its column has the beginning alone; a copy was sent by an older name.
    if (typeof text === 'string' && typeOf(key) !== copyType && !Object.hasOwn(row.attributes ?? {}, key))
      entries.push([key, readAttribute(text, typeOf(key))]);
  }
  return Object.fromEntries(entries);
}
