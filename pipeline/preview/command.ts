import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { type Command, type CommandContext, exitCodes, parseDuration, UsageError } from '../release/command.ts';
import {
  describePreview,
  fateOf,
  formatInstant,
  type Namespace,
  namespaceOf,
  previewLabel,
  previewNamespace,
} from './environment.ts';
import { accessFromPod, createKubernetesApi, type KubernetesApi, KubernetesError } from './kubernetes-api.ts';
import { createKubectlApi, runProgram } from './programs.ts';
import { listPreviews, reapPreviews, removePreview } from './reap.ts';

const usage = `Preview environments: the release of a branch, in a namespace of its own, until its day.

  release preview open --branch NAME [--values FILE]… [--owner NAME] [--lifetime 72h]
      installs the branch, or upgrades it; its day is the lifetime from now. The word open may be left out
  release preview close --branch NAME
      removes it
  release preview list
      tells every preview, its owner and its day
  release preview reap [--delete]
      removes those whose day is over; without --delete it only tells which. It leaves alone, and names, whatever has
      not the label ${previewLabel}=true, or no date that can be read

  --context NAME   of kubectl's configuration; default KUBE_CONTEXT, else the current one
  --values FILE    for Helm, after values-preview.yaml of the chart; may be given several times
  --owner NAME     default PREVIEW_OWNER, CF_COMMIT_AUTHOR or GITHUB_ACTOR, else "unknown"
  --timeout 10m    how long the pods may take to be ready

They use kubectl and helm; reap, inside a cluster, the service account of its pod.

Exit codes: 0 done, 1 failed, 2 wrong use.
`;

const options = {
  branch: { type: 'string' },
  values: { type: 'string', multiple: true },
  owner: { type: 'string' },
  lifetime: { type: 'string', default: '72h' },
  timeout: { type: 'string', default: '10m' },
  context: { type: 'string' },
  delete: { type: 'boolean', default: false },
} as const;

/** The name of the Helm release in every preview: the namespace tells them apart. */
const releaseName = 'hotrod';
const chart = fileURLToPath(new URL('../../charts/hotrod', import.meta.url));

export const previewCommand: Command = {
  summary: 'opens, closes, lists and removes preview environments of branches',
  usage,
  async run([first = '', ...rest], context) {
    const commands: Record<string, typeof open> = { open, close, list, reap };
    const [command, args] = first.startsWith('--') ? ['open', [first, ...rest]] : [first, rest];
    const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (!run) throw new UsageError('preview expects open, close, list or reap; --help tells more');
    return run(parseArgs({ args, options }).values, context);
  },
};

type Options = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

async function open(given: Options, { env, stdout }: CommandContext): Promise<number> {
  const branch = branchOf(given);
  const { lifetime } = given;
  const lifetimeMs = parseDuration('--lifetime', lifetime);
  if (lifetimeMs < 60_000) throw new UsageError('--lifetime must be a minute or more');
  parseDuration('--timeout', given.timeout);
  const owner = given.owner ?? env['PREVIEW_OWNER'] ?? env['CF_COMMIT_AUTHOR'] ?? env['GITHUB_ACTOR'] ?? 'unknown';
  const wanted = previewNamespace({ branch, owner, lifetime, endsMs: Date.now() + lifetimeMs });
  const { name, labels } = wanted.metadata;

  const kubectl = kubectlContext(given, env);
  const there = await findNamespace(createKubectlApi(kubectl), name);
  if (there && there.metadata.labels?.[previewLabel] !== 'true') {
    throw new Error(
      `the namespace ${name} is there and has not the label ${previewLabel}=true, so it is not taken over. Rename the branch, or remove that namespace`,
    );
  }
  const context = kubectl[1] === undefined ? [] : ['--kube-context', kubectl[1]];
  await runProgram(
    'kubectl',
    [...kubectl, 'apply', '--server-side', '--force-conflicts', '--field-manager=hotrod-preview', '-f', '-'],
    JSON.stringify(wanted),
  );
  await runProgram('helm', [
    ...context,
    'upgrade',
    '--install',
    releaseName,
    chart,
    `--namespace=${name}`,
    ...[`${chart}/values-preview.yaml`, ...(given.values ?? [])].map((file) => `--values=${file}`),
    `--set-string=owner=${labels?.['owner']}`,
    '--wait',
    `--timeout=${given.timeout}`,
  ]);
  stdout(`${describePreview(wanted)}\n`);
  stdout(`kubectl --namespace ${name} port-forward service/${releaseName}-frontend 8080\n`);
  return exitCodes.done;
}

async function close(given: Options, { env, stdout }: CommandContext): Promise<number> {
  const name = namespaceOf(branchOf(given));
  const api = createKubectlApi(kubectlContext(given, env));
  const namespace = await findNamespace(api, name);
  if (!namespace) {
    stdout(`there is no ${name}\n`);
    return exitCodes.done;
  }
  if (['foreign', 'unlabelled'].includes(fateOf(namespace, Date.now()))) {
    throw new Error(`the namespace ${name} has not the label ${previewLabel}=true, so it is left alone`);
  }
  const failure = await removePreview(api, namespace);
  if (failure !== null) throw new Error(failure);
  stdout(`removed ${describePreview(namespace)}\n`);
  return exitCodes.done;
}

async function list(given: Options, { env, stdout }: CommandContext): Promise<number> {
  for (const { fate, namespace } of await listPreviews(createKubectlApi(kubectlContext(given, env)), Date.now())) {
    stdout(`${fate.padEnd(10)} ${describePreview(namespace)}\n`);
  }
  return exitCodes.done;
}

async function reap(given: Options, { env, stdout, stderr }: CommandContext): Promise<number> {
  const inPod = env['KUBERNETES_SERVICE_HOST'] !== undefined;
  const api = inPod ? createKubernetesApi(await accessFromPod(env)) : createKubectlApi(kubectlContext(given, env));
  try {
    const nowMs = Date.now();
    const say = (line: string) => stdout(`${line}\n`);
    const { expired, failures } = await reapPreviews(api, { nowMs, remove: given.delete, say });
    const count = `${expired.length} preview${expired.length === 1 ? '' : 's'}`;
    stdout(
      `${formatInstant(nowMs)} ${given.delete ? `removed ${count}` : `would remove ${count}; nothing was changed`}\n`,
    );
    if (failures.length > 0) stderr(`${failures.length} could not be removed`);
    return failures.length > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    api.close();
  }
}

function branchOf({ branch }: Options): string {
  if (!branch) throw new UsageError('it needs --branch');
  return branch;
}

function kubectlContext(given: Options, env: CommandContext['env']): string[] {
  const name = given.context ?? env['KUBE_CONTEXT'];
  return name ? ['--context', name] : [];
}

async function findNamespace(api: KubernetesApi, name: string): Promise<Namespace | null> {
  try {
    return await api.request<Namespace>('GET', `/api/v1/namespaces/${name}`);
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}
