import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { isSource, watchSources } from './watch-sources.ts';

it.each([
  ['routes.ts', true],
  ['page/ride-list.tsx', true],
  ['migrations/001-customers.sql', true],
  ['routes.test.ts', false],
  ['page/dist/assets/index.css', false],
  ['page/node_modules/preact/package.json', false],
  ['fixtures/rides.json', false],
  ['README.md', false],
  ['.routes.ts.swp', false],
])('%s is a source of the service: %s', (path, expected) => expect(isSource(path)).toBe(expected));

it('tells several changes of the service and of shared packages at once, and nothing of others', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hotrod-dev-'));
  const file = (path: string) => join(root, path);
  for (const folder of ['services/driver', 'services/route', 'packages/kit', 'packages/telemetry'])
    mkdirSync(file(folder), { recursive: true });
  const told: string[][] = [];
  const end = watchSources(root, 'driver', (files) => told.push(files));
  onTestFinished(() => {
    end();
    rmSync(root, { recursive: true });
  });
  for (const path of ['services/driver/routes.ts', 'services/route/routes.ts', 'packages/kit/config.ts'])
    writeFileSync(file(path), '');
  await vi.waitFor(() => expect(told.flat().length).toBeGreaterThan(1), { timeout: 10_000 });
  expect(told).toEqual([['packages/kit/config.ts', 'services/driver/routes.ts']]);
});
