import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { repositoryPath } from '../push/repository.ts';
import { type Environment, git, withoutGit } from '../releases/git.ts';
import { Refusal } from '../refusal.ts';

/** Where the planted bug is. */
const bugFile = join('services', 'customer', 'config.ts');
const bugLine = /^const slowCustomerFactor = (\d+(?:\.\d+)?);$/m;

/** Who commits in the demo. */
const demoAuthor = { name: 'HotROD demo', email: 'demo@hotrod.invalid' };

/** A clone of the production repository, in a temporary directory: the checkout of whoever runs the demo stays as it is. */
export interface ScratchClone {
  path: string;
  /** How many times the normal delay the slow customers wait. */
  factor(): number;
  /** Changes that one line and commits it. @returns the commit, and the line before and after. */
  commitFactor(factor: number, message: string): Promise<{ revision: string; before: string; after: string }>;
  /** Pushes to production, and resolves when its pipeline is over. */
  push(onLine: (line: string) => void): Promise<void>;
  remove(): void;
}

/**
 * @param dataDir of the suite that runs.
 * @param revision what production is at: the story begins with what runs.
 * @throws {Refusal} with what git says.
 */
export async function cloneProduction(dataDir: string, revision: string, env: Environment): Promise<ScratchClone> {
  const path = mkdtempSync(join(tmpdir(), 'hotrod-demo-'));
  const repository = repositoryPath(dataDir);
  const here = { cwd: path, env };
  const remove = () => rmSync(path, { recursive: true, force: true });
  try {
    await git(['init', '--quiet'], here);
    await git(['remote', 'add', 'production', repository], here);
    await git(['fetch', '--quiet', '--update-shallow', 'production', revision], here);
    await git(['checkout', '--quiet', '-B', 'main', 'FETCH_HEAD'], here);
    for (const [name, value] of Object.entries(demoAuthor)) await git(['config', `user.${name}`, value], here);
    await git(['config', 'commit.gpgsign', 'false'], here);
  } catch (error) {
    remove();
    throw error;
  }
  const file = join(path, bugFile);

  function line(): { line: string; factor: number; text: string } {
    const text = readFileSync(file, 'utf8');
    const found = bugLine.exec(text);
    if (!found?.[1])
      throw new Refusal(`${bugFile} has no line "const slowCustomerFactor = …;": the demo changes that line.`);
    return { line: found[0], factor: Number(found[1]), text };
  }

  return {
    path,
    factor: () => line().factor,
    async commitFactor(factor, message) {
      const { line: before, text } = line();
      const after = `const slowCustomerFactor = ${factor};`;
      writeFileSync(file, text.replace(before, after));
      await git(['commit', '--quiet', '--all', '--no-verify', '--message', message], here);
      return { revision: await git(['rev-parse', 'HEAD'], here), before, after };
    },
    async push(onLine) {
      // By force: production may be at a commit of an earlier story.
      const child = spawn('git', ['push', '--force', 'production', 'HEAD:main'], {
        cwd: path,
        env: withoutGit(env),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (said) => onLine(said.trimEnd()));
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      if (code !== 0) throw new Refusal(`git push production ended with exit code ${code}.`);
    },
    remove,
  };
}
