/**
 * Makes what the chart carries of other folders, and its README: `npm run chart`. A chart can read only files inside
 * itself, so it holds copies; a test holds them, and the README, equal to what this makes.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { readCommandLine } from '@hotrod/kit/command-line';
import { format } from 'prettier';
import { isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

const root = join(import.meta.dirname, '..');
const chart = join(root, 'charts/hotrod');

/** What the chart carries: the folder in the chart, the folder that its files come from, and which files. */
const copies = [
  { to: 'otel-collector', from: 'otel-collector', files: /^(agent|config|sampling-all|sampling-tail)\.yaml$/ },
  { to: 'faults', from: 'faults', files: /^flags\.json$/ },
  { to: 'loadgen', from: 'loadgen', files: /^(k6|profiles|weights)\.ts$/ },
  { to: 'monitoring/rules', from: 'monitoring/prometheus/rules', files: /\.yml$/ },
  { to: 'monitoring/dashboards', from: 'monitoring/grafana/dashboards', files: /\.json$/ },
  { to: 'loadgen/k6', from: 'loadgen/k6', files: /^(headers|options)\.ts$/ },
];

/**
 * Every file of the chart that is made, by its path inside the chart.
 *
 * @throws an error that names a key of values.yaml without an explanation.
 */
export async function chartFiles(): Promise<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const { to, from, files } of copies) {
    for (const name of readdirSync(join(root, from)).filter((each) => files.test(each))) {
      made[`files/${to}/${name}`] = readFileSync(join(root, from, name), 'utf8');
    }
  }
  made['README.md'] = await readme();
  return made;
}

/** A row of the README's tables. */
interface Row {
  path: string;
  value: string;
  meaning: string;
}

async function readme(): Promise<string> {
  const document = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  if (!isMap(document.contents)) throw new Error('values.yaml is not a map');
  const general: Row[] = [];
  const sections: string[] = [];
  for (const { key, comment, value } of pairsOf(document.contents)) {
    if (isMap(value) && value.items.length > 0) {
      sections.push(`## \`${key}\`\n\n${comment}\n\n${table(rowsOf(value, key))}`);
    } else {
      general.push(row(key, comment, value));
    }
  }
  const introduction = readFileSync(join(import.meta.dirname, 'readme-introduction.md'), 'utf8');
  const text = `${introduction}\n# Values\n\n${table(general)}\n${sections.join('\n')}`;
  const path = join(chart, 'README.md');
  return format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'preserve', filepath: path });
}

/** The pairs of a map with what is said before or beside each. */
function pairsOf(map: YAMLMap): { key: string; comment: string; value: Node | null }[] {
  return map.items.map((pair, index) => {
    const { key, value } = pair as Pair<Node, Node | null>;
    if (!isScalar(key)) throw new Error('a key is a plain word');
    // What stands before the first key of a map belongs to the map, as far as the parser is concerned.
    const before = index === 0 ? (map.commentBefore ?? key.commentBefore) : key.commentBefore;
    const beside = isScalar(value) ? value.comment : undefined;
    return { key: String(key.value), comment: sentence(before ?? beside ?? ''), value };
  });
}

/** A row for every leaf. A map without a comment on anything in it is one row. */
function rowsOf(map: YAMLMap, prefix: string): Row[] {
  return pairsOf(map).flatMap(({ key, comment, value }) => {
    const path = `${prefix}.${key}`;
    if (!isMap(value) || value.items.length === 0 || value.flow) return [row(path, comment, value)];
    const inner = rowsOf(value, path);
    return comment === '' ? inner : [{ path, value: '', meaning: comment }, ...inner];
  });
}

/** Explanations of keys that mean the same wherever they stand, by the end of the key's path. */
const plain: Record<string, string> = {
  'image.repository': 'The image, with its registry.',
  'image.tag': 'Its tag.',
  'image.digest': '`sha256:…`; stands for the tag.',
  'image.pullPolicy': '',
  'persistence.enabled': 'Without it the data lives as long as the pod.',
  'persistence.storageClass': "Empty: the cluster's default.",
  'persistence.size': '',
  'persistence.whenDeleted': 'What becomes of the volume at `helm uninstall`: `Retain` or `Delete`.',
  'hosts.frontend': '',
  'hosts.observatory': '',
  'resources.requests': 'What a node must have free.',
  'resources.limits': 'What it may take.',
  startupProbe: 'Alive at all (`/healthz`)?',
  readinessProbe: 'Can it do its own part (`/readyz`)?',
  livenessProbe: 'Still alive (`/healthz`)?',
  enabled: '',
  port: '',
  minReplicas: '',
  maxReplicas: '',
  replicas: 'Pods.',
  database: 'Whether it keeps data in Postgres, with a role of its own.',
  podAnnotations: 'Further annotations of its pods.',
  podLabels: 'Further labels of its pods.',
  nodeSelector: 'Which nodes it may run on.',
  tolerations: 'Which taints it bears.',
  affinity: 'Which nodes it prefers.',
  priorityClassName: 'What may be evicted for it.',
  serviceAccountAnnotations: 'Of its own service account, for example `eks.amazonaws.com/role-arn`.',
  annotations: 'Annotations of the objects.',
  env: 'Environment variables, name to value or to `{valueFrom: …}`.',
};

function row(path: string, comment: string, value: Node | null): Row {
  const known = Object.keys(plain).find((name) => path === name || path.endsWith(`.${name}`));
  // What an environment variable means is explained by the program that reads it.
  if (comment === '' && known === undefined && !path.includes('.env.')) {
    throw new Error(`values.yaml says nothing about ${path}: put a comment before it.`);
  }
  const shown = value === null ? '' : JSON.stringify(value.toJSON());
  return { path, value: shown, meaning: comment || (known === undefined ? '' : (plain[known] ?? '')) };
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    '| value | default | meaning |',
    '| --- | --- | --- |',
    ...rows.map(({ path, value, meaning }) => `| \`${path}\` | ${value && `\`${cell(value)}\``} | ${cell(meaning)} |`),
    '',
  ].join('\n');
}

/** A comment as one line. Of several paragraphs it is the last, the one that stands at the key. */
function sentence(comment: string): string {
  const paragraph = comment.split(/\n\s*\n/).at(-1) ?? '';
  return paragraph
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

if (import.meta.main) {
  readCommandLine('chart', {
    help: 'Makes what the chart carries of other folders, and its README: npm run chart. It takes no options.',
  });
  rmSync(join(chart, 'files/otel-collector'), { recursive: true, force: true });
  rmSync(join(chart, 'files/loadgen'), { recursive: true, force: true });
  rmSync(join(chart, 'files/monitoring'), { recursive: true, force: true });
  for (const [path, content] of Object.entries(await chartFiles())) {
    mkdirSync(dirname(join(chart, path)), { recursive: true });
    writeFileSync(join(chart, path), content);
  }
}
