import { accessSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { run } from './tools.ts';

type Schema = Record<string, unknown>;
interface OpenApi {
  definitions: Record<string, Schema & { 'x-kubernetes-group-version-kind'?: GroupVersionKind[] }>;
}
interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** Where those schemas are published that are not beside the checkout. */
const publicKinds = 'https://raw.githubusercontent.com/datreeio/CRDs-catalog/main';

/**
 * Where kubeconform finds the schemas of Kubernetes' own kinds, and of those of other projects. In files, if `.ci/tools`
 * has put the description of Kubernetes' API and `HOTROD_SCHEMAS` names a directory of others; else in the public ones.
 *
 * @param directory where files may be written.
 * @returns values of `-schema-location`; null if there is neither, after a line that says so.
 * @throws if there is neither and `CI` is set.
 */
export async function findSchemas(directory: string): Promise<string[] | null> {
  const openApi = findOpenApi();
  const others = process.env['HOTROD_SCHEMAS'];
  if ((openApi === null || !others) && !(await isReachable(publicKinds))) {
    const message =
      'There are no schemas to validate against: .ci/tools makes those of Kubernetes, HOTROD_SCHEMAS names a directory of others, and the public ones cannot be reached';
    if (process.env['CI']) throw new Error(message);
    console.warn(`${message}: these tests are skipped.`);
    return null;
  }
  return [
    openApi === null ? 'default' : writeSchemas(openApi, join(directory, 'schemas')),
    `${others ? join(others, 'crds') : publicKinds}/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`,
  ];
}

/** Validates manifests as the API server does that is told to be strict. @returns what kubeconform says against them. */
export async function validate(kubeconform: string, schemas: readonly string[], files: readonly string[]) {
  const locations = schemas.flatMap((location) => ['-schema-location', location]);
  const { output, stdout, code } = await run(kubeconform, [
    '-strict',
    '-verbose',
    '-output',
    'json',
    ...locations,
    ...files,
  ]);
  let answer: { resources?: { filename: string; kind: string; name: string; status: string; msg: string }[] };
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw new Error(`kubeconform ended with ${code}:\n${output.slice(0, 4_000)}`);
  }
  return (answer.resources ?? []).map(({ filename, kind, name, status, msg }) => ({
    filename,
    problem: `${kind} ${name}: ${status} ${msg}`,
  }));
}

function findOpenApi(): string | null {
  for (const directory of [process.env['HOTROD_TOOLS'], ...(process.env['PATH'] ?? '').split(delimiter)]) {
    if (!directory) continue;
    const file = join(directory, 'kubernetes-openapi');
    try {
      accessSync(file);
      return file;
    } catch {
      // not in this one
    }
  }
  return null;
}

async function isReachable(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a JSON schema of every kind from the description of Kubernetes' API, in which no field is allowed that it does not
 * know, under the names by which kubeconform looks for them.
 *
 * @returns the `-schema-location`.
 */
function writeSchemas(openApi: string, directory: string): string {
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true });
    const { definitions } = JSON.parse(readFileSync(openApi, 'utf8')) as OpenApi;
    const strict = Object.fromEntries(
      Object.entries(definitions).map(([name, schema]) => [name, strictSchema(schema)]),
    );
    writeFileSync(join(directory, '_definitions.json'), JSON.stringify({ definitions: strict }));
    for (const [name, schema] of Object.entries(definitions)) {
      for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
        const suffix = [...(group ? [group.split('.')[0]] : []), version].join('-');
        writeFileSync(
          join(directory, `${kind.toLowerCase()}-${suffix.toLowerCase()}.json`),
          JSON.stringify({ $ref: `_definitions.json#/definitions/${name}` }),
        );
      }
    }
  }
  return `${directory}/{{.ResourceKind}}{{.KindSuffix}}.json`;
}

function strictSchema(schema: Schema): Schema {
  // As a number, too: `cpu: 1`, `port: 8080`.
  if (schema['format'] === 'int-or-string') return { oneOf: [{ type: 'string' }, { type: 'integer' }] };
  if (String(schema['description']).startsWith('Quantity is a fixed-point')) {
    return { oneOf: [{ type: 'string' }, { type: 'number' }] };
  }
  if (schema['type'] !== 'object' || !schema['properties']) return schema;
  return { ...schema, additionalProperties: false };
}
