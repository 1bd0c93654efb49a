import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';

import validator from '@codefresh-io/yaml-validator';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { changedComponents, components } from './runner/changed.ts';
import { allSteps, decide, planPipeline, type PlannedHooks, type PlannedStep } from './runner/plan.ts';
import { readPipeline } from './runner/read.ts';
import { substitute } from './runner/variables.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(join(root, 'codefresh.yml'), 'utf8');
const pipeline = readPipeline(text);
const plan = planPipeline(pipeline);

/** The steps that run on a branch after a change, all of them successful. */
function running(branch: string, variables: Record<string, string>): string[] {
  const lookup = (name: string) => ({ CF_BRANCH: branch, ...variables })[name];
  return allSteps(plan.steps)
    .filter(
      (step) =>
        decide(step, {
          branch,
          substitute: (each) => substitute(each, lookup),
          variable: lookup,
          member: () => 'success',
          resultOf: () => 'success',
        }).verdict === 'run',
    )
    .map(({ name }) => name);
}

const always = ['main_clone', 'changes', 'checks', 'types', 'lint', 'tests', 'images'];

describe('codefresh.yml', () => {
  test('is valid here, without a warning, and for the validator of Codefresh', () => {
    expect(pipeline.warnings).toEqual([]);
    validator.validate(parse(text, { merge: true }) as object, 'default', text, { build: { buildVersion: 'V2' } });
  });

  test.each([
    [
      'main',
      { CHANGED: 'customer ', ROLLED: 'customer ' },
      ['build_customer', 'approve', 'mark', 'deploy', 'verify', 'remember'],
    ],
    [
      'production',
      { CHANGED: 'driver route ', ROLLED: 'driver route ' },
      ['build_driver', 'build_route', 'approve', 'mark', 'deploy', 'verify', 'remember'],
    ],
    [
      'main',
      { CHANGED: 'frontend observatory ', ROLLED: 'frontend ' },
      ['build_frontend', 'build_observatory', 'approve', 'mark', 'deploy', 'verify', 'remember'],
    ],
    // The viewer serves no dispatch: there is nothing to compare.
    ['main', { CHANGED: 'observatory ', ROLLED: '' }, ['build_observatory', 'approve', 'mark', 'deploy', 'remember']],
    ['main', { CHANGED: '', ROLLED: '' }, ['remember']],
    [
      'main',
      { CHANGED: 'customer ', ROLLED: 'customer ', TEST_SCOPE: 'all' },
      ['check_everything', 'build_customer', 'approve', 'mark', 'deploy', 'verify', 'remember'],
    ],
    ['fix-slow-customers', { CHANGED: 'customer ', ROLLED: 'customer ' }, ['build_customer', 'preview']],
    ['main-2', { CHANGED: 'customer ', ROLLED: 'customer ' }, ['build_customer', 'preview']],
  ])('on %s after %j runs beside the checks %j', (branch, variables, expected) => {
    expect(running(branch, variables).filter((name) => !always.includes(name))).toEqual(expected);
    expect(running(branch, variables)).toEqual(expect.arrayContaining(always));
  });

  test('builds each component that is released, once', () => {
    const built = allSteps(plan.steps).flatMap((step) =>
      step.kind === 'build' ? [step.settings.image_name.replace('hotrod/', '')] : [],
    );
    expect(built.toSorted()).toEqual(components.filter((name) => name !== 'release-tools').toSorted());
  });

  test('lets no text of a pusher become part of a command', () => {
    const commands = everyStep(plan.steps, plan.hooks).flatMap((step) =>
      step.kind === 'freestyle' ? (step.settings.commands ?? []) : [],
    );
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) expect(command).not.toContain('${{');
  });

  test('closes the marker after the deploy, and at the end whatever happened', () => {
    const deploy = allSteps(plan.steps).find(({ name }) => name === 'deploy');
    for (const hooks of [deploy?.hooks, plan.hooks]) {
      const [step] = hooks?.on_finish?.steps ?? [];
      expect(step?.kind === 'freestyle' && step.settings.commands?.join('\n')).toContain('release marker close');
    }
  });
});

describe('pipelines/', () => {
  const read = (name: string) => readFileSync(join(root, 'pipelines', `${name}.yml`), 'utf8');

  test('has a pipeline for each component that is deployed, all of one form', () => {
    // The folders beside them are the flow elsewhere (docs/elsewhere.md).
    const files = readdirSync(join(root, 'pipelines')).filter((file) => file.endsWith('.yml'));
    const names = files.map((file) => file.replace('.yml', ''));
    expect(names.toSorted()).toEqual(components.filter((name) => name !== 'release-tools').toSorted());
    const form = (name: string) =>
      read(name)
        .replaceAll(name, 'NAME')
        .replace(/modifiedFilesGlob: .*/, '');
    for (const name of names) expect(form(name)).toBe(form('customer'));
  });

  test.each(components.filter((name) => name !== 'release-tools'))(
    'starts that of %s for the paths that touch it',
    (name) => {
      const { spec } = parse(read(name)) as {
        spec: { triggers: { modifiedFilesGlob: string }[]; specTemplate: { path: string } };
      };
      expect(spec.specTemplate.path).toBe('./codefresh.yml');
      const glob = spec.triggers[0]?.modifiedFilesGlob ?? '';
      const paths = [
        'services/customer/config.ts',
        'services/driver/contract.ts',
        'services/route/client.ts',
        'services/frontend/page/app.tsx',
        'observatory/main.ts',
        'packages/kit/server.ts',
        'package-lock.json',
        'Dockerfile',
        'README.md',
        'stack/main.ts',
        'charts/hotrod/values.yaml',
      ];
      for (const path of paths)
        expect([path, matchesGlob(path, glob)]).toEqual([path, changedComponents([path]).includes(name)]);
    },
  );
});

function everyStep(steps: readonly PlannedStep[], hooks: PlannedHooks): PlannedStep[] {
  const inHooks = (each: PlannedHooks) => Object.values(each).flatMap((hook) => hook.steps);
  const all = [...allSteps(steps), ...inHooks(hooks)];
  return [...all, ...all.flatMap((step) => inHooks(step.hooks))];
}
