import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { readManifests } from './policies.ts';
import { validate } from './schemas.ts';
import { findTool } from './tools.ts';

const kubeconform = findTool('kubeconform');
/** A directory with the schemas of others; where it is not named, these tests are skipped with a line that says so. */
const schemas = process.env['HOTROD_SCHEMAS'];
if (!schemas) console.warn('HOTROD_SCHEMAS names no schemas of GitHub and Tekton: their pipelines are not validated.');
const directory = createTemporaryDirectory('elsewhere');
afterAll(() => directory.remove());
const readText = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const workflow = () => parse(readText('pipelines/github-actions/release.yml')) as Record<string, unknown>;

describe.skipIf(!kubeconform || !schemas)('the schemas', () => {
  /** Asks kubeconform, which reads only what has a kind: anything else is put into an object that has one. */
  async function problems(document: unknown, schema: string): Promise<string[]> {
    const wrapper = { type: 'object', properties: { spec: { $ref: pathToFileURL(schema).href } } };
    writeFileSync(join(directory.path, 'any_v1.json'), JSON.stringify(wrapper));
    const file = join(directory.path, 'any.yaml');
    writeFileSync(file, JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Any', metadata: {}, spec: document }));
    const location = join(directory.path, '{{.ResourceKind}}_{{.ResourceAPIVersion}}.json');
    const found = await validate(kubeconform ?? '', [location], [file]);
    expect(found).toHaveLength(1);
    return found.map(({ problem }) => problem).filter((problem) => !problem.includes(': statusValid'));
  }

  test('take the GitHub Actions workflow, and refuse a key that there is not', async () => {
    const schema = join(schemas ?? '', 'github-workflow.json');
    expect(await problems(workflow(), schema)).toEqual([]);
    expect(await problems({ ...workflow(), steps: [] }, schema)).toHaveLength(1);
  });

  test('take the Tekton Task and Pipeline, and refuse a key that there is not', async () => {
    for (const manifest of readManifests(readText('pipelines/tekton/release.yaml'))) {
      const definition = join(schemas ?? '', `tekton/${manifest.kind.toLowerCase()}-crd.yaml`);
      const { spec } = parse(readFileSync(definition, 'utf8')) as {
        spec: { versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
      };
      const version = spec.versions.find(({ name }) => name === 'v1');
      const schema = join(directory.path, `${manifest.kind}.json`);
      writeFileSync(schema, JSON.stringify(strict(version?.schema.openAPIV3Schema.properties.spec ?? {})));
      expect(await problems(manifest['spec'], schema)).toEqual([]);
      expect(await problems({ ...(manifest['spec'] as object), jobs: {} }, schema)).toHaveLength(1);
    }
  });
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  [keyword: string]: unknown;
}

/** A schema that allows no field which it does not know: the API server drops such fields in silence. */
function strict({ properties, items, additionalProperties, ...rest }: Schema): Schema {
  const inner: Schema = { ...rest };
  if (items) inner.items = strict(items);
  if (typeof additionalProperties === 'object') inner.additionalProperties = strict(additionalProperties);
  if (!properties) return inner;
  inner.properties = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, strict(each)]));
  return rest['x-kubernetes-preserve-unknown-fields'] ? inner : { ...inner, additionalProperties: false };
}

test('every action has its version, and no expression is text of a script', () => {
  const text = readText('pipelines/github-actions/release.yml');
  for (const [, action] of text.matchAll(/uses: (\S+)/g)) expect(action).toMatch(/@v\d+\.\d+\.\d+$/);
  const jobs = workflow()['jobs'] as Record<string, { steps: { run?: string }[] }>;
  const scripts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  expect(scripts.length).toBeGreaterThan(5);
  for (const script of scripts) expect(script).not.toContain('${{');
});

test('every image of Tekton has its version', () => {
  const text = readText('pipelines/tekton/release.yaml');
  const images = [...text.matchAll(/image: ([a-z][^\s$]+)/g)].map(([, image]) => image);
  expect(images.length).toBeGreaterThan(1);
  for (const image of images) expect(image).toMatch(/:v?\d/);
});

test('every step of codefresh.yml is in the table of docs/elsewhere.md', () => {
  const { steps } = parse(readText('codefresh.yml')) as { steps: Record<string, unknown> };
  const table = readText('docs/elsewhere.md');
  const told = ['check_everything', 'remember'];
  for (const step of Object.keys(steps).filter((name) => !told.includes(name))) {
    expect(table, step).toContain(`| \`${step}\``);
  }
});
