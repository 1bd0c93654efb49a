/**
 * SQL text that is known to hold nothing of a user: made of literals in this source and of placeholders alone. The
 * brand is what keeps a user's string from being taken for it.
 */
declare const brand: unique symbol;
export type Sql = string & { readonly [brand]: true };

/** What may be bound: bigint as BIGINT, number as INTEGER, BIGINT or DOUBLE, an array of strings as VARCHAR[]. */
export type Bindable = string | number | bigint | boolean | null | readonly string[];

/** Tag of a template: SQL from literal text and other SQL. Values go through a `Binder`. */
export function sql(text: TemplateStringsArray, ...parts: readonly Sql[]): Sql {
  let result = text[0] ?? '';
  for (const [index, part] of parts.entries()) result += part + (text[index + 1] ?? '');
  return result as Sql;
}

/** Joins SQL with a separator written in the source. */
export function joinSql(parts: readonly Sql[], separator: Sql): Sql {
  return parts.join(separator) as Sql;
}

/** Collects the values of one statement; each `bind` answers the placeholder that stands for its value. */
export interface Binder {
  bind(value: Bindable): Sql;
  /** Placeholder names without `$`, and their values. */
  readonly parameters: Record<string, Bindable>;
}

export function createBinder(): Binder {
  const parameters: Record<string, Bindable> = {};
  let count = 0;
  return {
    parameters,
    bind(value) {
      count += 1;
      const name = `p${count}`;
      parameters[name] = value;
      return `$${name}` as Sql;
    },
  };
}
