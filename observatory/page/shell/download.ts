/** What is shown, as a file: JSON as the API gave it, CSV for a spreadsheet. */
import type { MenuItem } from './menu.tsx';

export type Table = { columns: string[]; rows: (string | number | null)[][] };

/**
 * RFC 4180. Text that a spreadsheet would run as a formula (= + - @, tab, return in front) gets an apostrophe before it.
 */
export function toCsv(table: Table): string {
  const cell = (value: string | number | null): string => {
    if (value === null) return '';
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [table.columns, ...table.rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** The two items of a download menu. @param name of the file, without its ending. */
export function downloads(name: string, data: unknown, table: () => Table): MenuItem[] {
  return [
    { label: 'CSV', detail: 'for a spreadsheet', run: () => save(`${name}.csv`, 'text/csv', toCsv(table())) },
    {
      label: 'JSON',
      detail: 'as the API gave it',
      run: () => save(`${name}.json`, 'application/json', JSON.stringify(data, null, 2)),
    },
  ];
}

function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
