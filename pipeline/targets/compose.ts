import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { mustRun, runProgram } from './program.ts';
import {
  type DeployRequest,
  type Release,
  releasableServices,
  type Releases,
  type ServiceName,
  takeBackMs,
  type Target,
  type TargetContext,
  TargetError,
} from './target.ts';

/** The tag of the image that a service ran before its last release. */
const previousTag = 'previous';
/** How long a container of a new release may take to be healthy, in milliseconds. */
const trialPatienceMs = 120_000;
const trialPollMs = 500;

/**
 * The suite of `docker compose up`. Compose stops a container before it starts the next one on the same name, so a new
 * release runs in a trial container first: only when that is healthy is the old one replaced. Between the two the service
 * does not answer for a moment; clients that ask once more notice nothing.
 */
export const composeTarget: Target = {
  name: 'compose',

  async build(request) {
    const { commit, services } = request;
    await mustRun(request, [...(await compose(request)), 'build', ...services], {
      env: settingsOf(commit, tagOf(commit)),
      show: true,
    });
    return { artifacts: Object.fromEntries(services.map((name) => [name, imageOf(name, tagOf(commit))])) };
  },

  async deploy(request) {
    const before = await current(request);
    const done: ServiceName[] = [];
    try {
      for (const name of request.services) {
        await tryOut(request, name, request.commit);
        const running = await containerOf(request, name);
        if (running) await mustRun(request, ['docker', 'tag', running.image, imageOf(name, previousTag)]);
        done.push(name);
        await replace(request, name, settingsOf(request.commit, tagOf(request.commit)));
      }
    } catch (error) {
      // Also if the step was ended: without its signal.
      const takingBack = { ...request, signal: AbortSignal.timeout(takeBackMs) };
      for (const name of done.toReversed()) {
        const release = before[name];
        if (!release) continue;
        request.log(`${name} goes back to ${release.version}`);
        await replace(takingBack, name, settingsOf(release, previousTag));
      }
      throw error;
    }
    return { before, after: await current(request) };
  },

  async rollback(request) {
    const before = await current(request);
    for (const name of request.services) {
      const release = await labelsOf(request, imageOf(name, previousTag));
      if (!release) throw new TargetError(`There is no release of ${name} to go back to.`);
      const wanted = request.to?.[name];
      if (wanted && wanted.version !== release.version)
        throw new TargetError(`${name} ran ${release.version} before, not ${wanted.version}: push that commit again.`);
      // Finished once it has begun, also if the step is ended: between two containers the service does not run.
      await replace({ ...request, signal: AbortSignal.timeout(takeBackMs) }, name, settingsOf(release, previousTag));
    }
    return { before, after: await current(request) };
  },

  current,
};

type Identity = Pick<Release, 'version' | 'revision'>;

/** The tag of the images of a commit. */
function tagOf({ revision }: { revision: string }): string {
  return revision.slice(0, 7);
}

function imageOf(name: ServiceName, tag: string): string {
  return `hotrod/${name}:${tag}`;
}

/** What docker-compose.yml takes of a release. */
function settingsOf({ version, revision }: Identity, tag: string): Record<string, string> {
  return { HOTROD_TAG: tag, HOTROD_VERSION: version, HOTROD_REVISION: revision ?? 'unknown' };
}

/** Compose as a plugin of docker, or as a program of its own. */
async function compose(context: TargetContext): Promise<[string, ...string[]]> {
  const { code } = await runProgram(context, ['docker', 'compose', 'version']);
  return code === 0 ? ['docker', 'compose'] : ['docker-compose'];
}

async function replace(context: TargetContext, name: ServiceName, env: Record<string, string>): Promise<void> {
  await mustRun(
    context,
    [...(await compose(context)), 'up', '--detach', '--no-deps', '--no-build', '--wait', '--wait-timeout', '120', name],
    { env, show: true },
  );
}

/** Runs the new image beside the old one, without its ports and without its name, until it is healthy. */
async function tryOut(request: DeployRequest, name: ServiceName, release: DeployRequest['commit']): Promise<void> {
  const container = `hotrod-trial-${name}-${randomBytes(4).toString('hex')}`;
  const env = settingsOf(release, tagOf(release));
  try {
    await mustRun(request, [...(await compose(request)), 'run', '--detach', '--no-deps', '--name', container, name], {
      env,
    });
    const endMs = performance.now() + trialPatienceMs;
    for (;;) {
      const state = await mustRun(request, [
        'docker',
        'inspect',
        '--format',
        '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}',
        container,
      ]);
      if (state.trim() === 'running healthy') return;
      const failed = !state.startsWith('running') || state.includes('unhealthy');
      if (failed || performance.now() > endMs) {
        const said = await runProgram(request, ['docker', 'logs', '--tail', '20', container]);
        for (const line of `${said.output}${said.errors}`.trim().split('\n')) request.log(line);
        throw new TargetError(`The new ${name} does not become ready (${state.trim()}). The one before runs on.`);
      }
      await sleep(trialPollMs, undefined, { signal: request.signal });
    }
  } finally {
    // Without the step's signal, because the container must also go when the step was ended.
    await runProgram({ ...request, signal: AbortSignal.timeout(30_000) }, ['docker', 'rm', '--force', container]);
  }
}

const labelsSchema = z.object({
  'org.opencontainers.image.version': z.string().optional(),
  'org.opencontainers.image.revision': z.string().optional(),
});
const containerSchema = z.tuple([
  z.object({
    Image: z.string(),
    State: z.object({ Status: z.string(), Health: z.object({ Status: z.string() }).optional() }),
    Config: z.object({ Labels: labelsSchema }),
  }),
]);

function identityOf(labels: z.infer<typeof labelsSchema>): Identity {
  const revision = labels['org.opencontainers.image.revision'];
  return {
    version: labels['org.opencontainers.image.version'] ?? 'unknown',
    revision: revision === undefined || revision === 'unknown' ? null : revision,
  };
}

async function labelsOf(context: TargetContext, image: string): Promise<Identity | null> {
  const { code, output } = await runProgram(context, [
    'docker',
    'image',
    'inspect',
    '--format',
    '{{json .Config.Labels}}',
    image,
  ]);
  return code === 0 ? identityOf(labelsSchema.parse(JSON.parse(output))) : null;
}

/** The container that a service runs in. */
async function containerOf(context: TargetContext, name: ServiceName) {
  const ids = await mustRun(context, [...(await compose(context)), 'ps', '--quiet', name]);
  const [id] = ids.trim().split('\n');
  if (!id) return null;
  const [{ Image, State, Config }] = containerSchema.parse(
    JSON.parse(await mustRun(context, ['docker', 'inspect', id])),
  );
  const ready = State.Status === 'running' && (State.Health === undefined || State.Health.Status === 'healthy');
  return { image: Image, release: { ...identityOf(Config.Labels), ready } };
}

async function current(context: TargetContext): Promise<Releases> {
  const found: [ServiceName, Release][] = [];
  for (const name of releasableServices) {
    const container = await containerOf(context, name);
    if (container) found.push([name, container.release]);
  }
  return Object.fromEntries(found);
}
