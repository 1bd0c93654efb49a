import { createHash } from 'node:crypto';

/** A namespace is ours if it has this label set to `true`. No other one is, whatever its name. */
export const previewLabel = 'preview.hotrod/environment';
const ownerLabel = 'owner';
const lifetimeLabel = 'preview.hotrod/lifetime';
/** When it may be removed: an instant in the basic format of ISO 8601, since a label's value holds no colon. */
export const endsLabel = 'preview.hotrod/ends';
const branchAnnotation = 'preview.hotrod/branch';

/** A namespace, as far as previews are concerned. */
export interface Namespace {
  metadata: {
    name: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
}

/** What begins the name of every preview's namespace. */
export const namePrefix = 'preview-';

/**
 * The namespace of a branch: its name in small letters, digits and dashes. If that loses something (`a/b`, `a-b`), a few
 * digits are added that tell the branches apart.
 */
export function namespaceOf(branch: string): string {
  const plain = branch
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const name = namePrefix + plain;
  if (plain === branch && name.length <= 63) return name;
  const digits = createHash('sha256').update(branch).digest('hex').slice(0, 6);
  const cut = name.slice(0, 63 - 1 - digits.length).replace(/-+$/, '');
  return `${cut}-${digits}`;
}

/** A person's name or address as the value of a label: at most 63 letters, digits, `-`, `_` and `.`. */
export function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

/** `20261202T080000Z` */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** @returns milliseconds; null when it is not an instant. */
export function parseInstant(text: string | undefined): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  if (!match) return null;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Without this, 31 February would be taken for a day in March.
  return Number.isNaN(ms) || formatInstant(ms) !== text ? null : ms;
}

/**
 * The namespace of a preview, as a manifest: labelled with owner, lifetime and the date of its end, under the restricted Pod
 * Security Standard.
 *
 * @param lifetime how it was asked for, for example `72h`.
 */
export function previewNamespace(preview: {
  branch: string;
  owner: string;
  lifetime: string;
  endsMs: number;
}): Namespace & { apiVersion: 'v1'; kind: 'Namespace' } {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespaceOf(preview.branch),
      labels: {
        [previewLabel]: 'true',
        [ownerLabel]: labelValue(preview.owner) || 'unknown',
        [lifetimeLabel]: preview.lifetime,
        [endsLabel]: formatInstant(preview.endsMs),
        'app.kubernetes.io/part-of': 'hotrod',
        'pod-security.kubernetes.io/enforce': 'restricted',
      },
      annotations: { [branchAnnotation]: preview.branch },
    },
  };
}

/** What is to become of a namespace. */
export type Fate =
  /** Not ours. */
  | 'foreign'
  /** Not ours, though its name looks like one of ours: left alone, and named. */
  | 'unlabelled'
  /** Ours, but nobody can tell when it ends: left alone, and named. */
  | 'undated'
  | 'living'
  | 'expired'
  /** Being removed already. */
  | 'ending';

export function fateOf({ metadata }: Namespace, nowMs: number): Fate {
  const { labels = {} } = metadata;
  if (labels[previewLabel] !== 'true') return metadata.name.startsWith(namePrefix) ? 'unlabelled' : 'foreign';
  if (metadata.deletionTimestamp !== undefined) return 'ending';
  const endsMs = parseInstant(labels[endsLabel]);
  if (endsMs === null) return 'undated';
  return endsMs <= nowMs ? 'expired' : 'living';
}

/** One preview in words: its namespace, owner, branch, and the date of its end. */
export function describePreview({ metadata }: Namespace): string {
  const { name, labels = {}, annotations = {} } = metadata;
  const branch = annotations[branchAnnotation];
  const parts = [
    `owner ${labels[ownerLabel] ?? 'unknown'}`,
    ...(branch === undefined ? [] : [`branch ${branch}`]),
    `ends ${labels[endsLabel] ?? 'never: no date'}`,
  ];
  return `${name} (${parts.join(', ')})`;
}
