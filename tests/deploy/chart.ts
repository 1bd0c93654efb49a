import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { root } from '../harness/suite.ts';
import { type Outcome, run } from './tools.ts';

export const chartDirectory = join(root, 'charts/hotrod');

/** The values files that the chart carries, by the name between `values-` and `.yaml`. */
export const variants = readdirSync(chartDirectory)
  .flatMap((file) => /^values-(.+)\.yaml$/.exec(file)?.[1] ?? [])
  .toSorted();

/** What of an object the tests look at. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: {
    replicas?: number;
    template?: { metadata: KubernetesObject['metadata']; spec: PodSpec };
    selector?: { matchLabels?: Record<string, string> } & Record<string, unknown>;
    [field: string]: unknown;
  };
  data?: Record<string, string>;
}

export interface PodSpec {
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  containers: Container[];
  volumes?: Record<string, unknown>[];
}

export interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: Record<string, unknown> }[];
  ports?: { name: string; containerPort: number }[];
  securityContext: Record<string, unknown>;
  resources: Record<'requests' | 'limits', Record<'cpu' | 'memory', string>>;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
}

/** What a render is made with. */
export interface RenderOptions {
  /** A values file of the chart: `kind` for values-kind.yaml. */
  variant?: string | undefined;
  /** As `--set` takes it: `load.mode=off`. */
  set?: readonly string[];
  namespace?: string;
  /** Another chart than ours. */
  chart?: string;
}

/** The output of `helm template`, also of an error. */
export function template(
  helm: string,
  { variant, set = [], namespace = 'rides', chart = chartDirectory }: RenderOptions = {},
): Promise<Outcome> {
  const values = variant === undefined ? [] : ['--values', join(chartDirectory, `values-${variant}.yaml`)];
  const sets = set.flatMap((each) => ['--set', each]);
  return run(helm, ['template', 'hotrod', chart, '--namespace', namespace, ...values, ...sets]);
}

/** The objects of the chart, sorted by kind and name. @throws what helm says if it fails. */
export async function render(helm: string, options: RenderOptions = {}): Promise<KubernetesObject[]> {
  const { code, output, stdout } = await template(helm, options);
  if (code !== 0) throw new Error(output);
  const objects = parseAllDocuments(stdout).flatMap((document) => {
    const [fault] = document.errors;
    if (fault) throw fault;
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
  return objects.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

export const keyOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`;

/** The template of every pod that the objects make, by the object's kind and name. */
export function podsOf(objects: readonly KubernetesObject[]): Record<string, PodSpec> {
  return Object.fromEntries(
    objects.flatMap((object) => {
      const spec = object.kind === 'Pod' ? (object.spec as unknown as PodSpec) : object.spec?.template?.spec;
      return spec === undefined ? [] : [[keyOf(object), spec]];
    }),
  );
}

/** Variables of the first container of a pod; those that come from elsewhere as JSON. */
export function environmentOf(pod: PodSpec | undefined): Record<string, string> {
  return Object.fromEntries(
    (pod?.containers[0]?.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? JSON.stringify(valueFrom)]),
  );
}

/** A quantity in cores or bytes. */
export function quantity(text: string): number {
  const [, number = '', unit = ''] = /^([0-9.]+)([a-zA-Z]*)$/.exec(text) ?? [];
  const factors: Record<string, number> = { '': 1, m: 1e-3, Mi: 2 ** 20, Gi: 2 ** 30 };
  const factor = factors[unit];
  if (number === '' || factor === undefined) throw new Error(`${text} is not a known quantity`);
  return Number(number) * factor;
}
