/** What is shown, as a file: JSON as the API gave it, CSV for a spreadsheet. */
import { toCsv } from '../../contract/csv.ts';
import type { MenuItem } from './menu.tsx';

interface Table {
  columns: string[];
  rows: (string | number | null)[][];
}

/** The two items of a download menu. @param name of the file, without its ending. */
export function downloads(name: string, data: unknown, table: () => Table): MenuItem[] {
  return [
    { label: 'CSV', detail: 'for a spreadsheet', run: () => save(`${name}.csv`, 'text/csv', csvOf(table())) },
    {
      label: 'JSON',
      detail: 'as the API gave it',
      run: () => save(`${name}.json`, 'application/json', JSON.stringify(data, null, 2)),
    },
  ];
}

const csvOf = ({ columns, rows }: Table): string => toCsv(columns, rows);

function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
