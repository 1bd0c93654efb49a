import { isAbsolute, join } from 'node:path';

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

/** How long helm waits until the new pods are ready; and, if they are not or it is ended, until the old ones are. */
const helmTimeout = `${takeBackMs / 1_000}s`;

/**
 * A cluster, with the chart of this repository. `IMAGE_REGISTRY` is what images are pushed to; without it
 * `IMAGE_LOAD_COMMAND` brings them into the nodes (it gets the image as `$IMAGE`), and a cluster of kind needs neither.
 * `HELM_RELEASE`, `HELM_NAMESPACE` and `KUBE_CONTEXT` say where it runs, unless a step does.
 */
export const kubernetesTarget: Target = {
  name: 'kubernetes',

  async build(request) {
    const { commit, services } = request;
    const images: [ServiceName, string][] = [];
    for (const name of services) {
      const image = imageOf(request, name, commit.version);
      const args = {
        SERVICE: name,
        REVISION: commit.revision,
        VERSION: commit.version,
        NODE_IMAGE: request.env['NODE_IMAGE'],
      };
      const given = Object.entries(args).filter((entry): entry is [string, string] => entry[1] !== undefined);
      await mustRun(
        request,
        [
          'docker',
          'build',
          '--target',
          'service',
          ...given.flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
          '--tag',
          image,
          '.',
        ],
        { show: true },
      );
      await publish(request, image);
      images.push([name, image]);
    }
    return { artifacts: Object.fromEntries(images) };
  },

  async deploy(request) {
    const before = await current(request);
    const tags = Object.fromEntries(request.services.map((name) => [tagPath(name), tagOf(request.commit.version)]));
    await upgrade(request, placeOf(request), tags);
    return { before, after: await current(request) };
  },

  async rollback(request) {
    const before = await current(request);
    const { release, namespace, context } = placeOf(request);
    const { to, services } = request;
    if (to === null) {
      await mustRun(
        request,
        [
          'helm',
          'rollback',
          release,
          await revisionBefore(request),
          ...inCluster(namespace, context),
          '--wait',
          '--timeout',
          helmTimeout,
        ],
        { show: true },
      );
    } else {
      const tags = services.map((name) => {
        const version = to[name]?.version;
        if (version === undefined) throw new TargetError(`There is no release of ${name} to go back to.`);
        return [tagPath(name), tagOf(version)];
      });
      await upgrade(request, placeOf(request), Object.fromEntries(tags));
    }
    return { before, after: await current(request) };
  },

  current,
};

/** Where a release of the chart is. */
interface Place {
  chart: string;
  release: string;
  namespace: string;
  context: string | null;
}

function placeOf(request: TargetContext & Pick<Partial<DeployRequest>, 'helm'>): Place {
  const { env, helm } = request;
  return {
    chart: helm?.chart ?? 'charts/hotrod',
    release: env['HELM_RELEASE'] || helm?.releaseName || 'hotrod',
    namespace: env['HELM_NAMESPACE'] || helm?.namespace || 'hotrod',
    context: env['KUBE_CONTEXT'] || helm?.kubeContext || null,
  };
}

/** A tag holds no `+`; the chart makes `service.version` of it again. */
function tagOf(version: string): string {
  return version.replace('+', '_');
}

function tagPath(name: ServiceName): string {
  return `services.${name}.image.tag`;
}

function imageOf({ env }: TargetContext, name: ServiceName, version: string): string {
  const registry = env['IMAGE_REGISTRY'];
  return `${registry ? `${registry}/` : ''}hotrod/${name}:${tagOf(version)}`;
}

/** Brings an image to a place that the cluster pulls from, or into its nodes. */
async function publish(context: TargetContext, image: string): Promise<void> {
  const load = context.env['IMAGE_LOAD_COMMAND'];
  if (load) {
    await mustRun(context, ['sh', '-c', load], { env: { IMAGE: image }, show: true });
    return;
  }
  if (context.env['IMAGE_REGISTRY']) {
    await mustRun(context, ['docker', 'push', image], { show: true });
    return;
  }
  const { context: named } = placeOf(context);
  const cluster = named ?? (await mustRun(context, ['kubectl', 'config', 'current-context'])).trim();
  if (!cluster.startsWith('kind-')) {
    throw new TargetError(
      `Set IMAGE_REGISTRY to the registry that the cluster ${cluster} pulls from, or IMAGE_LOAD_COMMAND to what brings $IMAGE into its nodes.`,
    );
  }
  await mustRun(context, ['kind', 'load', 'docker-image', '--name', cluster.slice('kind-'.length), image], {
    show: true,
  });
}

function inCluster(namespace: string, context: string | null): string[] {
  return ['--namespace', namespace, ...(context === null ? [] : ['--kube-context', context])];
}

const historySchema = z.array(z.object({ revision: z.number(), status: z.string(), description: z.string() }));

/**
 * The revision of Helm's that ran before the one that runs. It must have run at all. And it must not be one that a
 * rollback, which is a revision of its own, has put back already.
 */
async function revisionBefore(request: TargetContext): Promise<string> {
  const { release, namespace, context } = placeOf(request);
  const output = await mustRun(request, [
    'helm',
    'history',
    release,
    '--output',
    'json',
    ...inCluster(namespace, context),
  ]);
  const before = previousRevision(historySchema.parse(JSON.parse(output)));
  if (before === null) throw new TargetError(`There is no release of ${release} to go back to.`);
  return String(before);
}

/** @param history as Helm tells it, the oldest first. */
export function previousRevision(history: z.infer<typeof historySchema>): number | null {
  const running = history.findLast(({ status }) => status === 'deployed');
  if (!running) return null;
  const effective = Number(/^Rollback to (\d+)/.exec(running.description)?.[1] ?? running.revision);
  return history.findLast(({ revision, status }) => revision < effective && status === 'superseded')?.revision ?? null;
}

/** The flag by which Helm itself takes back what does not become ready: its name changed with version 4. */
async function rollbackFlag(context: TargetContext): Promise<string> {
  const version = await mustRun(context, ['helm', 'version', '--template', '{{.Version}}']);
  return version.startsWith('v3.') ? '--atomic' : '--rollback-on-failure';
}

/** Upgrades with the values of the release as they are, and these: values that are not named stay. */
async function upgrade(
  request: TargetContext & Pick<Partial<DeployRequest>, 'helm'>,
  { chart, release, namespace, context }: Place,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const { values = {}, valueFiles = [] } = request.helm ?? {};
  const others = Object.entries(values).filter(([path]) => !(path in tags));
  await mustRun(
    request,
    [
      'helm',
      'upgrade',
      release,
      isAbsolute(chart) ? chart : join(request.root, chart),
      '--install',
      '--reset-then-reuse-values',
      ...inCluster(namespace, context),
      ...valueFiles.flatMap((file) => ['--values', join(request.root, file)]),
      ...others.flatMap(([path, value]) => ['--set', `${path}=${escaped(value)}`]),
      ...Object.entries(tags).flatMap(([path, value]) => ['--set-string', `${path}=${escaped(value)}`]),
      '--wait',
      await rollbackFlag(request),
      '--timeout',
      helmTimeout,
    ],
    { show: true },
  );
}

/** Escapes commas, because `--set` splits its argument at them. */
function escaped(value: string): string {
  return value.replaceAll(/[\\,]/g, '\\$&');
}

const deploymentSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    replicas: z.number(),
    template: z.object({ spec: z.object({ containers: z.array(z.object({ name: z.string(), image: z.string() })) }) }),
  }),
  status: z.object({
    observedGeneration: z.number().default(0),
    updatedReplicas: z.number().default(0),
    readyReplicas: z.number().default(0),
  }),
});

async function current(request: TargetContext & Pick<Partial<DeployRequest>, 'helm'>): Promise<Releases> {
  const { release, namespace, context } = placeOf(request);
  const found: [ServiceName, Release][] = [];
  for (const name of releasableServices) {
    const { code, output, errors } = await runProgram(request, [
      'kubectl',
      'get',
      'deployment',
      `${release}-${name}`,
      '--output',
      'json',
      '--ignore-not-found',
      '--namespace',
      namespace,
      ...(context === null ? [] : ['--context', context]),
    ]);
    if (code !== 0) throw new TargetError(`The cluster cannot be asked: ${errors.trim() || `exit code ${code}`}`);
    if (output.trim() === '') continue;
    const { metadata, spec, status } = deploymentSchema.parse(JSON.parse(output));
    const [container] = spec.template.spec.containers;
    const tag = container?.image.split('@')[0]?.split(':').at(-1) ?? 'unknown';
    found.push([
      name,
      {
        version: tag.replace('_', '+'),
        revision: null,
        ready:
          status.observedGeneration >= metadata.generation &&
          status.updatedReplicas === spec.replicas &&
          status.readyReplicas === spec.replicas,
      },
    ]);
  }
  return Object.fromEntries(found);
}
