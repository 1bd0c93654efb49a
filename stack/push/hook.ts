import { askStatus, sendPush } from '../control.ts';
import { Refusal } from '../refusal.ts';
import { productionBranch } from './push.ts';

/** A line of what git writes to these hooks: what a push changes. */
interface RefUpdate {
  before: string;
  after: string;
  ref: string;
}

/** githooks(5): "<old-oid> SP <new-oid> SP <ref-name> LF" for each. */
export function readUpdates(text: string): RefUpdate[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [before = '', after = '', ...ref] = line.split(' ');
      return { before, after, ref: ref.join(' ') };
    });
}

const isDeletion = ({ after }: RefUpdate) => /^0+$/.test(after);
const branchOf = ({ ref }: RefUpdate) => ref.replace(/^refs\/heads\//, '');
const isProduction = ({ ref }: RefUpdate) => ref === `refs/heads/${productionBranch}`;

/**
 * Decides whether a push is taken: branches are not deleted, and nothing goes to production while nothing runs there.
 *
 * @throws {Refusal} with what to do instead.
 */
export async function preReceive(updates: readonly RefUpdate[], dataDir: string): Promise<void> {
  const deleted = updates.find(isDeletion);
  if (deleted) {
    const instead = isProduction(deleted)
      ? `It is what runs in production. To go back to an earlier commit, push that: git push --force production COMMIT:${productionBranch}`
      : 'This repository keeps what was pushed to it; leave the branch, it costs nothing.';
    throw new Refusal(`The branch ${branchOf(deleted)} is not deleted. ${instead}`);
  }
  if (updates.some(isProduction)) {
    await askStatus(dataDir).catch((error: unknown) => {
      throw new Refusal(
        `Nothing is pushed, because nothing runs in production. Start it with "npm start" and push again.`,
        {
          cause: error,
        },
      );
    });
  }
}

/**
 * Has a push to the production branch released, and tells how that goes. Other branches are kept.
 *
 * @param options of `git push -o`.
 */
export async function postReceive(
  updates: readonly RefUpdate[],
  dataDir: string,
  options: string[],
  tell: (line: string) => void,
): Promise<void> {
  for (const update of updates) {
    if (isProduction(update)) await sendPush(dataDir, { revision: update.after, options }, tell);
    else if (update.ref.startsWith('refs/heads/'))
      tell(`${branchOf(update)} is kept here and not deployed: ${productionBranch} is what goes to production.`);
  }
}
