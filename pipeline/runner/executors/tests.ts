import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files whose change cannot be followed by imports: everything is tested. */
const touchesEverything =
  /^(package(-lock)?\.json|tsconfig.*\.json|vitest\.config\.ts|\.oxlintrc\.json|bootstrap\.js)$/;
const isCode = /\.(ts|tsx|js|sql)$/;

/**
 * Runs the tests of a change: those of the unit project that import what changed, or stand beside it. If everything may
 * have changed: the whole suite. The output is Vitest's, which names each test that fails.
 *
 * @param paths that differ; null for the whole suite.
 * @returns Vitest's exit code.
 */
export async function runTests(
  root: string,
  paths: readonly string[] | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const args = vitestArguments(root, paths);
  if (args === null) {
    console.log('No code has changed: there is nothing to test.');
    return 0;
  }
  const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (signal) console.error(`vitest was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

/**
 * What Vitest is told: the files that changed, whose importers it finds, and the unit tests beside them.
 *
 * @returns null if there is nothing to run.
 */
export function vitestArguments(root: string, paths: readonly string[] | null): string[] | null {
  if (paths === null) return ['run'];
  const code = paths.filter((path) => isCode.test(path));
  const isGone = code.some((path) => !existsSync(join(root, path)));
  if (isGone || paths.some((path) => touchesEverything.test(path))) return ['run', '--project', 'unit'];
  if (code.length === 0) return null;
  const beside = [...new Set(code.map(dirname))].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /(?<!\.system)\.test\.tsx?$/.test(name))
      .map((name) => join(folder, name)),
  );
  return ['related', '--run', '--project', 'unit', '--passWithNoTests', ...new Set([...code, ...beside])];
}
