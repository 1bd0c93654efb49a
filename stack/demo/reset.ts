import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { askReleased, release } from '../control.ts';
import { readSuiteRecord, runs } from '../data-directory.ts';
import { readJsonFile } from '../json-file.ts';
import { forgetProduction, type ReleaseDirectory, releaseDirectorySchema } from '../production.ts';
import { branchRevision, repositoryPath, resetBranch, startRevision } from '../push/repository.ts';
import type { Environment } from '../releases/git.ts';
import { prepareRelease, releasesDirectory } from '../releases/release-directory.ts';

const fileName = 'demo.json';
const noteSchema = z.object({
  revision: z.string().nullable(),
  services: z.record(z.string(), releaseDirectorySchema),
  /** The commit at the end of the production branch. */
  branch: z.string(),
});

/** Notes what production is at before a story, for {@link resetDemo}. */
export async function noteStart(dataDir: string, env: Environment): Promise<void> {
  const { revision, services } = await askReleased(dataDir);
  const note: z.infer<typeof noteSchema> = { revision, services, branch: await branchRevision(dataDir, env) };
  writeFileSync(join(dataDir, fileName), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
}

/** Whether a story was played here that was not reset. */
export function isToBeReset(dataDir: string): boolean {
  return existsSync(join(dataDir, fileName));
}

/**
 * Puts production back to what it was at before the story, with its branch.
 *
 * @param say is called with what is done.
 * @throws {Refusal} if a service does not become ready.
 */
export async function resetDemo(dataDir: string, env: Environment, say: (line: string) => void): Promise<void> {
  const file = join(dataDir, fileName);
  if (!existsSync(file)) {
    say('There is nothing to reset: no story was played here.');
    return;
  }
  const note = readJsonFile(file, noteSchema);
  const record = readSuiteRecord(dataDir);
  const start = await startRevision(dataDir, env);
  const wasCheckout = note.revision === start;
  if (record && runs(record)) {
    const services = await Promise.all(
      Object.entries(note.services).map(async ([name, { root, version, revision }]) => ({
        name,
        release: { ...(await directoryOf(root, version)), version, revision } satisfies ReleaseDirectory,
      })),
    );
    await release(dataDir, { services, revision: note.revision, checkout: null, isRollback: true, mark: 'demo:reset' });
    say(
      `Production runs again what it ran before the story: ${[...new Set(services.map((each) => each.release.version))].join(', ')}.`,
    );
  }
  // The next start runs the checkout, as the one before the story did.
  if (wasCheckout) forgetProduction(dataDir);
  await resetBranch(dataDir, env, note.branch);
  rmSync(file);
  say('Its branch is where it was.');

  /** What the checkout held at the start is a release by now; the checkout itself may have been changed. */
  async function directoryOf(root: string, version: string): Promise<{ root: string }> {
    if (root.startsWith(join(releasesDirectory(dataDir), '/'))) return { root };
    return prepareRelease({
      repository: repositoryPath(dataDir),
      revision: start,
      version,
      dataDir,
      seed: { root, repository: repositoryPath(dataDir), revision: start },
      env,
      signal: AbortSignal.timeout(600_000),
      log: say,
    });
  }
}
