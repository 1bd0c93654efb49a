import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Releases, RollbackRequest, ServiceName, Target } from '../../targets/target.ts';
import { createRecordCommand } from '../record/command.ts';
import { createRollbackCommand } from './command.ts';

let directory: string;
beforeAll(() => {
  const parent = join(import.meta.dirname, '../../../.hotrod/tmp');
  mkdirSync(parent, { recursive: true });
  directory = mkdtempSync(join(parent, 'rollback-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const release = (version: string, ready = true) => ({ version, revision: null, ready });

/** A target in memory, which goes back to what it is told, or to `0`; where `broken`, only says so. */
function createFake(running: Releases, { broken = false } = {}) {
  let now: Releases = running;
  const rollbacks: Pick<RollbackRequest, 'services' | 'to'>[] = [];
  const target: Target = {
    name: 'stack',
    build: () => Promise.reject(new Error('not here')),
    deploy: () => Promise.reject(new Error('not here')),
    current: () => Promise.resolve(now),
    rollback({ services, to }) {
      rollbacks.push({ services, to });
      const before = now;
      const back = services.map((service: ServiceName) => [service, to?.[service] ?? release('0')] as const);
      if (!broken) now = { ...now, ...Object.fromEntries(back) };
      return Promise.resolve({ before, after: now });
    },
  };
  return { target, rollbacks, deploy: (changed: Releases) => (now = { ...now, ...changed }) };
}

async function run(create: typeof createRollbackCommand, target: Target, args: string[]) {
  let stdout = '';
  const code = await create(() => Promise.resolve(target)).run(args, {
    env: { DEPLOY_TARGET: 'stack' },
    stdout: (text) => (stdout += text),
    stderr: () => undefined,
    signal: new AbortController().signal,
  });
  return { code, stdout };
}

const running = { frontend: release('1'), customer: release('1'), driver: release('1'), route: release('1') };

describe('release rollback', () => {
  test('restores what the record says, only for services that run something else', async () => {
    const fake = createFake(running);
    const file = join(directory, 'record.json');
    const recorded = await run(createRecordCommand, fake.target, ['--file', file]);
    expect(recorded.stdout).toBe('stack runs 1 (frontend, customer, driver, route)\n');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ releases: { customer: '1' } });
    fake.deploy({ customer: release('2') });

    const rolled = await run(createRollbackCommand, fake.target, ['--record', file]);
    expect(rolled).toEqual({ code: 0, stdout: 'stack runs 1 (frontend, customer, driver, route) again\n' });
    expect(fake.rollbacks).toEqual([{ services: ['customer'], to: { customer: release('1') } }]);

    const again = await run(createRollbackCommand, fake.target, ['--record', file]);
    expect(again.stdout).toMatch(/^Nothing to roll back: /);
    expect(fake.rollbacks).toHaveLength(1);
  });

  test('restores a service of the record that does not run at all', async () => {
    const { customer, ...others } = running;
    const fake = createFake(others);
    const file = join(directory, 'gone.json');
    writeFileSync(file, JSON.stringify({ recordedMs: 1, releases: { customer: '1', route: '1' }, revisions: {} }));
    expect(await run(createRollbackCommand, fake.target, ['--record', file])).toMatchObject({ code: 0 });
    expect(fake.rollbacks).toEqual([{ services: ['customer'], to: { customer } }]);
  });

  test('leaves a named service alone that runs what the record says', async () => {
    const fake = createFake({ ...running, customer: release('2') });
    const file = join(directory, 'named.json');
    writeFileSync(
      file,
      JSON.stringify({ recordedMs: 1, releases: { customer: '1', driver: '1', route: '1' }, revisions: {} }),
    );
    const named = async (...services: string[]) =>
      run(createRollbackCommand, fake.target, ['--record', file, ...services.map((name) => `--service=${name}`)]);
    expect((await named('route')).stdout).toMatch(/^Nothing to roll back: /);
    expect(fake.rollbacks).toEqual([]);
    await named('route', 'customer');
    expect(fake.rollbacks).toEqual([{ services: ['customer'], to: { customer: release('1') } }]);
    await expect(named('frontend')).rejects.toThrow('The record does not say which release of frontend ran before');
  });

  test('goes to the release before the last when there is no record', async () => {
    const fake = createFake(running);
    expect(await run(createRollbackCommand, fake.target, ['--service', 'route'])).toMatchObject({ code: 0 });
    expect(fake.rollbacks).toEqual([{ services: ['route'], to: null }]);
  });

  test('checks the result, and fails when the rollback only says that it worked', async () => {
    const fake = createFake({ ...running, customer: release('2') }, { broken: true });
    const file = join(directory, 'broken.json');
    writeFileSync(file, JSON.stringify({ recordedMs: 1, releases: { customer: '1' }, revisions: {} }));
    await expect(run(createRollbackCommand, fake.target, ['--record', file])).rejects.toThrow(
      'After the rollback customer still does not run what ran before',
    );
  });

  test('refuses unknown services, targets and options', async () => {
    const { target, rollbacks } = createFake(running);
    const file = join(directory, 'none.json');
    writeFileSync(file, '{"markers":[]}');
    for (const [args, expected] of [
      [['--service', 'postgres'], /no service "postgres"/],
      [['--target', 'heroku'], /--target/],
      [['--colour'], /--colour/],
      [['--record', file], /not a record/],
    ] as const) {
      await expect(run(createRollbackCommand, target, [...args])).rejects.toThrow(expected);
    }
    expect(rollbacks).toEqual([]);
  });
});
