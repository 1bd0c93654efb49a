const reference = /\$\{\{\s*([^{}]*?)\s*\}\}/g;

/** Looks up a name that stands in `${{…}}`; undefined if it is not known. */
export type Lookup = (name: string) => string | undefined;

/** Replaces each `${{X}}` by its value. A name that is not known stays as it is written, as on Codefresh. */
export function substitute(text: string, lookup: Lookup): string {
  return text.replaceAll(reference, (whole, name: string) => lookup(name) ?? whole);
}

/** The same in every string of a value, keys of objects left alone. */
export function substituteAll<T>(value: T, lookup: Lookup): T {
  if (typeof value === 'string') return substitute(value, lookup) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => substituteAll(item, lookup)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, substituteAll(item as unknown, lookup)]),
  ) as T;
}

/** The names in `${{…}}`, in their order. */
export function referencedVariables(text: string): string[] {
  return [...text.matchAll(reference)].map((match) => match[1] ?? '');
}
