/** Writes the dashboards: `npm run dashboards`. A test holds the files equal to what this makes. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readCommandLine } from '@hotrod/kit/command-line';
import { format } from 'prettier';

import { boards } from './boards.ts';
import { dashboard } from './dashboard.ts';

/** Every dashboard's file, by its name. */
export async function dashboardFiles(): Promise<Record<string, string>> {
  const files = boards.map(
    async (board) => [`${board.uid}.json`, await format(JSON.stringify(dashboard(board)), { parser: 'json' })] as const,
  );
  return Object.fromEntries(await Promise.all(files));
}

if (import.meta.main) {
  readCommandLine('dashboards', {
    help: `Writes monitoring/grafana/dashboards of boards.ts: npm run dashboards. It takes no options. The chart carries
copies: npm run chart.`,
  });
  const directory = join(import.meta.dirname, 'dashboards');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const [name, text] of Object.entries(await dashboardFiles())) writeFileSync(join(directory, name), text);
}
