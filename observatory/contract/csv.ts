/** CSV as the API answers it and as the page saves it. */
type Cell = string | number | boolean | null | undefined;

/**
 * A cell as RFC 4180 writes it. Text that a spreadsheet would take for a formula gets an apostrophe before it.
 */
function cell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A table as CSV (RFC 4180): a head, then rows. Missing values are empty. */
export function toCsv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
