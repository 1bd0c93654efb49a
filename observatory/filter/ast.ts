import { longestFilter } from '../contract/limits.ts';

/** What a filter means: the tree between its text (`parse.ts`, `print.ts`) and its SQL (`store/filter-sql.ts`). */

/** Names that mean a column of the span itself; quoted (`"duration"`) they mean an attribute of that name. */
export const builtInFields = [
  'duration',
  'name',
  'service',
  'kind',
  'status',
  'error',
  'start',
  'trace.id',
  'span.id',
] as const;
export type BuiltInField = (typeof builtInFields)[number];

/**
 * Names that mean values which OTLP or the roll-up of a trace has beside the attributes; quoted (`"scope"`) they mean
 * an attribute of that name. Unlike built-in fields they may be missing, and are compared as attributes are.
 */
export const intrinsicNames = [
  'status.message',
  'scope',
  'parent.id',
  'service.name',
  'service.version',
  'trace.span_count',
  'trace.error_count',
  'trace.services',
  'trace.slowest_statement',
  'trace.slowest_statement_ms',
] as const;
export type IntrinsicName = (typeof intrinsicNames)[number];
/** `trace.service_ms.<service>` is one more for each service; any service, so it means that in quotes too. */
export const serviceMsPrefix = 'trace.service_ms.';
/**
 * `root.<attribute>` is an attribute of the trace's entry span, for each span of the trace:
 * `root.hotrod.customer.name`. It may be any attribute, so it means the same in quotes.
 */
export const rootPrefix = 'root.';

/**
 * What a test looks at: a built-in field of the span, a value of the span or its trace (`intrinsicNames`), or an
 * attribute of the span or of its resource.
 */
export type Field =
  { type: 'field'; name: BuiltInField } | { type: 'intrinsic'; name: string } | { type: 'attribute'; key: string };

/** The name or key of a field. By itself it does not say whether it is a name or a key. */
export function keyOf(field: Field): string {
  return field.type === 'attribute' ? field.key : field.name;
}

export type Literal =
  | { type: 'string'; value: string }
  /** `text` as written, so that integers beyond 2^53 stay exact. */
  | { type: 'number'; text: string }
  /** `text` as written, for example `1.5m`. */
  | { type: 'duration'; text: string }
  | { type: 'boolean'; value: boolean };

const comparisons = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof comparisons)[number];
const textOperators = ['contains', '!contains', 'matches', '!matches', 'md5'] as const;
export type TextOperator = (typeof textOperators)[number];

export function isBuiltIn(word: string): word is BuiltInField {
  return builtInFields.some((name) => name === word);
}
export function isIntrinsic(word: string): boolean {
  return intrinsicNames.some((name) => name === word) || word.startsWith(serviceMsPrefix) || isOfRoot(word);
}
/** Whether a name is of the entry span: `root.` and something behind it. */
export function isOfRoot(word: string): boolean {
  return word.startsWith(rootPrefix) && word.length > rootPrefix.length;
}
export function isComparison(operator: string): operator is Comparison {
  return comparisons.some((comparison) => comparison === operator);
}
export function isTextOperator(operator: string): operator is TextOperator {
  return textOperators.some((name) => name === operator);
}

/** One condition on one field. `position` is the offset of the part in the text that it came from. */
export type Test =
  | { type: 'compare'; field: Field; operator: Comparison; value: Literal; position: number }
  | { type: 'text'; field: Field; operator: TextOperator; value: string; position: number }
  | { type: 'exists'; field: Field; negated: boolean; position: number }
  | { type: 'in'; field: Field; negated: boolean; values: Literal[]; position: number };

export type Expression =
  Test | { type: 'and'; terms: Expression[] } | { type: 'or'; terms: Expression[] } | { type: 'not'; term: Expression };

/** Bounds on what a filter may ask, so that no text can cost more than a query should. */
export const filterLimits = {
  characters: longestFilter,
  depth: 32,
  tests: 100,
  listValues: 200,
  pattern: 256,
} as const;

/** Words with a meaning of their own; as the key of an attribute they are quoted. Upper case means the same. */
export const reservedWords: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'exists',
  'contains',
  'matches',
  'md5',
  'true',
  'false',
]);

const unitNanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a duration as written, for example `1.5m`; undefined if the text is not one. */
export function durationNanoseconds(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : unitNanoseconds[match[2]];
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

/** A filter that cannot be understood or that asks too much; `position` is the offset in its text. */
export class FilterError extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.name = 'FilterError';
    this.position = position;
  }
}
