import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Marker } from '../../observatory/contract/contract.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { type Outcome, run } from './tools.ts';

const key = 'k3y-nobody-may-see';
const directory = createTemporaryDirectory('marker');
let observatory: RunningObservatory;
beforeAll(async () => {
  observatory = await startObservatory();
});
afterAll(async () => {
  await observatory?.stop();
  directory.remove();
});

function marker(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return run(process.execPath, [join(root, 'pipeline/marker/main.ts'), ...args], {
    env: { MARKER_API_HOST: observatory.url, HONEYCOMB_API_KEY: key, ...env },
  });
}

async function shown(): Promise<Marker[]> {
  const answer = await fetch(`${observatory.url}/api/markers?from=${Date.now() - 600_000}&to=${Date.now() + 600_000}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Marker[];
}

describe('the release tool marker', () => {
  test('draws a line in the Observatory, then a window, as a deployment goes on', async () => {
    const file = join(directory.path, 'marker.json');
    const known = new Set((await shown()).map(({ id }) => id)); // of a first try
    const added = async () => (await shown()).filter(({ id }) => !known.has(id));
    const before = Math.floor(Date.now() / 1000) * 1000;
    const url = 'https://ci.example.org/build/42?a=b';
    const opened = await marker([
      'open',
      '--message',
      'Release 42 🚀',
      '--type',
      'deploy',
      '--url',
      url,
      '--file',
      file,
    ]);
    expect(opened).toMatchObject({ code: 0, output: opened.stdout });
    const id = opened.stdout.trimEnd();
    const described = { id, dataset: '__all__', message: 'Release 42 🚀', type: 'deploy', url };
    const [open, ...others] = await added();
    expect(others).toEqual([]);
    expect(open).toMatchObject({ ...described, endMs: null });
    expect(open?.startMs).toBeGreaterThanOrEqual(before);
    expect(readFileSync(file, 'utf8')).not.toContain(key);

    expect(await marker(['close', '--file', file])).toMatchObject({ code: 0, output: '' });
    const [closed] = await added();
    expect(closed).toMatchObject({ ...described, startMs: open?.startMs });
    expect(closed?.endMs).toBeGreaterThanOrEqual(closed?.startMs ?? Infinity);
    expect(closed?.endMs).toBeLessThanOrEqual(Date.now());
  });

  test.each([
    ['no command', [], /expected open or close/],
    ['another command', ['remove'], /expected open or close/],
    ['no message', ['open'], /open needs --message/],
    ['no file to close', ['close'], /close needs --file/],
    ['an unknown flag', ['open', '--message', 'x', '--colour', 'red'], /--colour/],
    ['a url that is no link', ['open', '--message', 'x', '--url', 'javascript:alert(1)'], /http or https URL/],
    ['a host that is no URL', ['open', '--message', 'x'], /http or https URL/, { MARKER_API_HOST: 'observatory:8088' }],
  ])('ends with 2 and one line where it is used wrongly: %s', async (_, args, expected, env: object = {}) => {
    const count = (await shown()).length;
    const { code, output, stdout } = await marker(args, { ...env });
    expect(output).toMatch(/^marker: [^\n]+\n$/);
    expect(output).toMatch(expected);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await shown()).toHaveLength(count);
  });

  test('ends with 1 and one line where it fails, and makes no marker that it could not close', async () => {
    const broken = join(directory.path, 'broken.json');
    writeFileSync(broken, '{"id":"../x"}');
    const count = (await shown()).length;
    for (const [args, expected, env] of [
      [['open', '--message', 'x', '--file', join(directory.path, 'missing', 'marker.json')], /ENOENT/],
      [['close', '--file', join(directory.path, 'none.json')], /ENOENT/],
      [['close', '--file', broken], /does not hold a marker/],
      [['open', '--message', 'x'.repeat(5_000)], /answered 400/],
      [['open', '--message', 'x'], /answered 404/, { MARKER_API_HOST: `${observatory.url}/elsewhere` }],
    ] as [string[], RegExp, Record<string, string>?][]) {
      const { code, output, stdout } = await marker(args, env);
      expect(output).toMatch(/^marker: [^\n]+\n$/);
      expect(output).toMatch(expected);
      expect(output).not.toContain(key);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
    expect(await shown()).toHaveLength(count);
  });

  test('tells how it is used', async () => {
    const { code, stdout } = await marker(['open', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('MARKER_API_HOST');
  });
});
