import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findTool } from '../deploy/tools.ts';
import { createTemporaryDirectory, findFreePortBase, root } from '../harness/suite.ts';
import { type LabShell, openLabShell } from './lab-shell.ts';
import { readLab } from './read-lab.ts';
import { drawnEdges, recordedEdges } from './recorded-diagram.ts';
import { makeScratchCheckout } from './scratch-checkout.ts';

const pages = join(root, 'docs', 'workshop');
/** `1-run.md` … in the order in which a workshop takes them. */
const labs = readdirSync(pages)
  .filter((name) => /^\d-.*\.md$/.test(name))
  .toSorted();
const helm = findTool('helm');
/** The ports that the pages name: those of `npm start`. */
const shownPorts = { first: 8080, last: 8088 };

let directory: { path: string; remove(): void };
let checkout: string;
let portBase: number;
let shell: LabShell;
let env: Record<string, string>;

beforeAll(async () => {
  directory = createTemporaryDirectory('workshop');
  checkout = join(directory.path, 'hotrod');
  portBase = await findFreePortBase();
  env = {
    PATH: `${process.env['HOTROD_TOOLS'] ? `${process.env['HOTROD_TOOLS']}:` : ''}${process.env['PATH'] ?? ''}`,
    HOME: directory.path,
    HOTROD_PORT_BASE: String(portBase),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Attendee',
    GIT_AUTHOR_EMAIL: 'attendee@example.org',
    GIT_COMMITTER_NAME: 'Attendee',
    GIT_COMMITTER_EMAIL: 'attendee@example.org',
    NO_COLOR: '1',
  };
  await makeScratchCheckout(checkout, env);
  // An attendee's shell outlives a lab, and so does what runs in their terminals.
  shell = openLabShell({
    directory: checkout,
    scratch: join(directory.path, 'blocks'),
    env,
    isRunning: () =>
      fetch(`http://127.0.0.1:${portBase}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    rewrite: (text) =>
      text.replaceAll(/(127\.0\.0\.1):(\d+)/g, (whole, host: string, shown: string) => {
        const offset = Number(shown) - shownPorts.first;
        return offset >= 0 && offset <= shownPorts.last - shownPorts.first ? `${host}:${portBase + offset}` : whole;
      }),
  });
});
afterAll(async () => {
  await shell?.close();
  directory?.remove();
});

describe.skipIf(process.platform === 'win32')('the labs of the workshop', () => {
  it('are nine', () => {
    expect(labs.map((name) => Number(name[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  // A failed command ends the one shell, so there is no second try.
  it.each(labs)('%s does what it says', { retry: 0, timeout: 480_000 }, async (name) => {
    if (name.startsWith('9') && helm === null) return;
    const blocks = readLab(readFileSync(join(pages, name), 'utf8'));
    expect(blocks.length).toBeGreaterThan(3);
    const begin = performance.now();
    for (const block of blocks) {
      try {
        await shell.run(block);
      } catch (error) {
        throw new Error(`docs/workshop/${name}:${block.line}`, { cause: error });
      }
    }
    console.log(`${name}: ${blocks.length} blocks in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  });

  it('are of the suite whose calls docs/architecture.md draws', async () => {
    // Where this test runs alone, nothing runs yet.
    const [start] = readLab(readFileSync(join(pages, labs[0] ?? ''), 'utf8'));
    if (start) await shell.run(start);
    const drawn = drawnEdges(readFileSync(join(root, 'docs', 'architecture.md'), 'utf8'));
    expect(drawn.length).toBeGreaterThan(3);
    await expect
      .poll(() => recordedEdges(`http://127.0.0.1:${portBase + 8}`), { timeout: 60_000, interval: 1_000 })
      .toEqual(drawn);
  });
});
