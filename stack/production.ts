import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { readJsonFile } from './json-file.ts';
import { messageOf } from './refusal.ts';

/** A directory that services run from, and what it holds. */
export const releaseDirectorySchema = z.object({
  /** Absolute: a checkout with its dependencies. */
  root: z.string().min(1),
  /** `service.version`, for example `0.1.0+1a2b3c4`. */
  version: z.string().min(1),
  /** The commit; null if unknown. */
  revision: z.string().nullable(),
});
export type ReleaseDirectory = z.infer<typeof releaseDirectorySchema>;

const stateSchema = z.object({
  /** The commit that was released last and not taken back; null if unknown. */
  revision: z.string().nullable(),
  services: z.record(z.string(), releaseDirectorySchema),
});
/** What production is, or was, at. */
export type ProductionState = z.infer<typeof stateSchema>;

/** What production is at, which release each service runs, and what was there before the last release. */
export const releasedSchema = stateSchema.extend({
  services: z.record(z.string(), releaseDirectorySchema.extend({ ready: z.boolean() })),
  /** Null if nothing was released, or the last release was taken back. */
  previous: stateSchema.nullable(),
});
export type Released = z.infer<typeof releasedSchema>;

const recordSchema = stateSchema.extend({ previous: stateSchema.nullable() });
type ProductionRecord = z.infer<typeof recordSchema>;

/** What production runs, as it is kept for the next start: `production.json`. */
export interface Production {
  /**
   * `services` has those that run a release; all others run the checkout that `npm start` was called in. A `revision` of
   * null means that nothing was released.
   */
  readonly record: Readonly<ProductionRecord>;
  /** Keeps what production runs from now on; the file is there as a whole or as it was. */
  save(record: ProductionRecord): void;
}

const fileName = 'production.json';

/**
 * @param report is called for releases that are kept in the record and are gone from the disk.
 */
export function openProduction(dataDir: string, report: (news: string) => void): Production {
  const file = join(dataDir, fileName);
  let record: ProductionRecord = nothingReleased;
  try {
    record = readJsonFile(file, recordSchema);
  } catch (error) {
    if (existsSync(file)) report(`${file} cannot be read, so this checkout runs in production: ${messageOf(error)}`);
  }
  const gone = Object.entries(record.services).filter(([, { root }]) => !existsSync(join(root, 'package.json')));
  for (const [name, { root, version }] of gone)
    report(`release ${version} of ${name} is gone from ${root}: it runs this checkout instead`);
  const names = new Set(gone.map(([name]) => name));
  record = {
    ...record,
    services: Object.fromEntries(Object.entries(record.services).filter(([name]) => !names.has(name))),
  };
  return {
    get record() {
      return record;
    },
    save(next) {
      const unfinished = `${file}.new`;
      writeFileSync(unfinished, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
      renameSync(unfinished, file);
      record = next;
    },
  };
}

const nothingReleased: ProductionRecord = { revision: null, services: {}, previous: null };

/** Forgets every release: the next start runs the checkout. */
export function forgetProduction(dataDir: string): void {
  rmSync(join(dataDir, fileName), { force: true });
}
