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
  return run(process.execPath, [join(root, 'pipeline/release/main.ts'), 'marker', ...args], {
    env: { MARKER_TO: `observatory=${observatory.url}`, OBSERVATORY_MARKERS_KEY: key, ...env },
  });
}

async function shown(): Promise<Marker[]> {
  const answer = await fetch(`${observatory.url}/api/markers?from=${Date.now() - 600_000}&to=${Date.now() + 600_000}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Marker[];
}

describe('release marker', () => {
  test('draws a line in the Observatory, then a window, as a deployment begins and ends', async () => {
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
      '--run',
      'r42',
      '--file',
      file,
    ]);
    expect(opened).toMatchObject({ code: 0, output: opened.stdout });
    const id = opened.stdout.trimEnd();
    const described = { id, dataset: '__all__', message: 'Release 42 🚀 (run r42)', type: 'deploy', url };
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

  test('ends in the Observatory what a killed run left open', async () => {
    const file = join(directory.path, 'killed.json');
    await marker(['open', '--message', 'Release 43', '--run', 'r43', '--file', file]);
    const swept = await marker(['sweep', '--run', 'r43']);
    expect(swept).toMatchObject({ code: 0, output: swept.stdout });
    expect(swept.stdout).toMatch(/^ended observatory \S+: \w+ "Release 43" of run r43, open for \d+ s\n$/);
    const ended = (await shown()).find(({ message }) => message === 'Release 43, not finished (run r43)');
    expect(ended?.endMs).toBe(ended?.startMs);
    expect(await marker(['sweep', '--older-than', '0s'])).toMatchObject({ code: 0, output: '' });
  });

  test.each([
    ['no command', [], /expects open, close or sweep/],
    ['no message', ['open'], /open needs --message/],
    ['an unknown flag', ['open', '--message', 'x', '--colour', 'red'], /--colour/],
    [
      'a url that is no link',
      ['open', '--message', 'x', '--file', 'f', '--url', 'javascript:alert(1)'],
      /http or https URL/,
    ],
    [
      'a place that is no URL',
      ['open', '--message', 'x', '--file', 'f'],
      /http or https URL/,
      { MARKER_TO: 'observatory=observatory:8088' },
    ],
    [
      'a key that no header holds',
      ['open', '--message', 'x', '--file', 'f'],
      /OBSERVATORY_MARKERS_KEY/,
      { OBSERVATORY_MARKERS_KEY: `${key}\n` },
    ],
  ])('exits with 2 and one line when it is called wrongly: %s', async (_, args, expected, env: object = {}) => {
    const count = (await shown()).length;
    const { code, output, stdout } = await marker(args, { ...env });
    expect(output).toMatch(/^release: [^\n]+\n$/);
    expect(output).toMatch(expected);
    expect(output).not.toContain(key);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await shown()).toHaveLength(count);
  });

  test('ends with 1 and one line where its file cannot be used, and makes no marker that it could not close', async () => {
    const broken = join(directory.path, 'broken.json');
    writeFileSync(broken, '{"id":"../x"}');
    const count = (await shown()).length;
    for (const [args, expected] of [
      [['open', '--message', 'x', '--file', join(directory.path, 'missing', 'marker.json')], /ENOENT/],
      [['close', '--file', join(directory.path, 'none.json')], /ENOENT/],
      [['close', '--file', broken], /does not hold markers/],
    ] as [string[], RegExp][]) {
      const { code, output, stdout } = await marker(args);
      expect(output).toMatch(/^release: [^\n]+\n$/);
      expect(output).toMatch(expected);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
    expect(await shown()).toHaveLength(count);
  });

  test('warns where the Observatory refuses, and the release goes on', async () => {
    const file = join(directory.path, 'refused.json');
    const { code, output, stdout } = await marker(['open', '--message', 'x'.repeat(5_000), '--file', file]);
    expect(output).toMatch(/^release: warning: observatory \S+ did not take the marker: \S+ answered 400[^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});

describe('the program release', () => {
  const release = (args: readonly string[]) =>
    run(process.execPath, [join(root, 'pipeline/release/main.ts'), ...args], {});

  test('prints its usage, and that of each command', async () => {
    const { code, stdout } = await release(['--help']);
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name ?? '');
    expect(commands).toContain('marker');
    for (const command of commands) {
      const { code: ended, stdout: usage } = await release([command, '--help']);
      expect(ended).toBe(0);
      expect(usage).toContain(`release ${command}`);
    }
  });

  test.each([
    ['nothing', []],
    ['an unknown command', ['deploy']],
    ['what every object has', ['constructor']],
  ])('refuses %s, and says what it knows', async (_, args) => {
    const { code, output, stdout } = await release(args);
    expect(output).toMatch(/^release: [^\n]+; known: marker[^\n]*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
