import { join } from 'node:path';

import { askReleased, askSettled, release } from '@hotrod/stack/control';
import type { ProductionState, Released, ReleaseDirectory } from '@hotrod/stack/production';
import { repositoryPath, startRevision } from '@hotrod/stack/push/repository';
import { messageOf } from '@hotrod/stack/refusal';
import { listReleases, prepareRelease, releasesDirectory } from '@hotrod/stack/releases/release-directory';

import {
  type DeployResult,
  releasableServices,
  type Release,
  type Releases,
  type ServiceName,
  type Target,
  type TargetContext,
  TargetError,
} from './target.ts';

/**
 * The suite of `npm start`: a release is a directory of its data directory, and a deploy is the replacement of processes.
 * `HOTROD_DATA_DIR` says which suite, and `HOTROD_CHECKOUT` which checkout it was started in.
 */
export const stackTarget: Target = {
  name: 'stack',

  build: (request) =>
    explained(async () => {
      const { root } = await prepare(request, request.root, request.commit.revision);
      return { artifacts: Object.fromEntries(request.services.map((name) => [name, root])) };
    }),

  deploy: (request) =>
    explained(async () => {
      const { revision } = request.commit;
      const directory = await prepare(request, request.root, revision);
      const outcome = await release(dataDirOf(request), {
        services: request.services.map((name) => ({ name, release: directory })),
        revision,
        checkout: await checkoutAsRelease(request),
        isRollback: false,
        mark: request.runUrl === null ? `release ${directory.version}` : null,
      });
      return resultOf(outcome);
    }),

  rollback: (request) =>
    explained(async () => {
      const now = await askReleased(dataDirOf(request));
      const wanted = request.services.map((name) => ({
        name,
        release: wayBack(dataDirOf(request), name, request.to, now),
      }));
      const revision = now.previous?.revision ?? wanted[0]?.release.revision ?? null;
      const outcome = await release(dataDirOf(request), {
        services: wanted,
        revision,
        checkout: null,
        isRollback: true,
        mark: null,
      });
      return resultOf(outcome);
    }),

  current: ({ settled = false, ...context }) =>
    explained(async () => {
      const dataDir = dataDirOf(context);
      return releasesOf(await (settled ? askSettled(dataDir, context.signal) : askReleased(dataDir)));
    }),
};

function dataDirOf({ env }: Pick<TargetContext, 'env'>): string {
  const given = env['HOTROD_DATA_DIR'];
  if (!given) {
    throw new TargetError(
      'HOTROD_DATA_DIR is not set: it is the data directory of a running "npm start" (.hotrod in its checkout).',
    );
  }
  return given;
}

async function prepare(context: TargetContext, repository: string, revision: string, version?: string) {
  const dataDir = dataDirOf(context);
  const checkout = context.env['HOTROD_CHECKOUT'];
  return prepareRelease({
    repository,
    revision,
    dataDir,
    seed: checkout
      ? { root: checkout, repository: repositoryPath(dataDir), revision: await startRevision(dataDir, context.env) }
      : null,
    ...(version === undefined ? {} : { version }),
    env: context.env,
    signal: context.signal,
    log: context.log,
  });
}

/**
 * If a service runs the checkout: what the checkout held when the suite was started, as a release directory. A rollback
 * goes back to that, because the checkout itself may have been changed since.
 */
async function checkoutAsRelease(context: TargetContext): Promise<ReleaseDirectory | null> {
  const dataDir = dataDirOf(context);
  const { services } = await askReleased(dataDir);
  const running = Object.values(services).find(({ root }) => !isRelease(dataDir, root));
  if (!running) return null;
  const start = await startRevision(dataDir, context.env);
  const { root } = await prepare(context, repositoryPath(dataDir), start, running.version);
  return { root, version: running.version, revision: running.revision };
}

function isRelease(dataDir: string, root: string): boolean {
  return root.startsWith(join(releasesDirectory(dataDir), '/'));
}

/** The directory of the release that a service ran before. */
function wayBack(dataDir: string, name: ServiceName, to: Releases | null, now: Released): ReleaseDirectory {
  const before: ProductionState['services'] = now.previous?.services ?? {};
  const wanted = to?.[name] ?? before[name];
  if (!wanted) throw new TargetError(`There is no release of ${name} to go back to.`);
  const isWanted = (each: ReleaseDirectory | undefined): each is ReleaseDirectory =>
    each?.version === wanted.version && isRelease(dataDir, each.root);
  const running = now.services[name];
  const known = [before[name], running].find(isWanted);
  if (known) return { root: known.root, version: known.version, revision: known.revision };
  const kept = listReleases(dataDir).find(({ record }) => record.version === wanted.version);
  if (!kept) throw new TargetError(`Release ${wanted.version} of ${name} is not kept any more: push its commit again.`);
  return { root: kept.path, version: kept.record.version, revision: kept.record.revision };
}

function resultOf({ before, after }: { before: Released; after: Released }): DeployResult {
  return { before: releasesOf(before), after: releasesOf(after) };
}

function releasesOf({ services }: Released): Releases {
  return Object.fromEntries(
    releasableServices.flatMap((name): [ServiceName, Release][] => {
      const running = services[name];
      return running ? [[name, { version: running.version, revision: running.revision, ready: running.ready }]] : [];
    }),
  );
}

/** Makes a failure of `work` a TargetError, with the same message and the failure as its cause. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TargetError) throw error;
    throw new TargetError(messageOf(error), { cause: error });
  }
}
