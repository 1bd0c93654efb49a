import type { Target, TargetContext, TargetName } from '../../targets/target.ts';
import { targetNames } from '../../targets/target.ts';
import { type CommandContext, UsageError } from '../command.ts';

/** How a target is made of its name; a test gives another. */
export type CreateTarget = (name: TargetName) => Promise<Target>;

/** Loaded only when it is needed: the image of the release tools has none of the libraries that targets use. */
export const createTarget: CreateTarget = async (name) => {
  try {
    return await (await import('../../targets/create-target.ts')).createTarget(name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new Error(`The target ${name} needs a checkout with its libraries (npm ci); this image has none`, {
      cause: error,
    });
  }
};

/** `--target`, else `DEPLOY_TARGET`. @throws {UsageError} */
export function targetNameOf(given: string | undefined, env: CommandContext['env']): TargetName {
  const word = given ?? env['DEPLOY_TARGET'];
  const name = targetNames.find((each) => each === word);
  if (!name) throw new UsageError(`--target (or DEPLOY_TARGET) must be one of ${targetNames.join(', ')}`);
  return name;
}

export function targetContext({ env, signal, stderr }: CommandContext): TargetContext {
  return { root: process.cwd(), env, signal, log: stderr };
}
