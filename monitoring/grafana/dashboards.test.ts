import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { boards } from './boards.ts';
import { dashboardFiles } from './generate.ts';

const directory = join(import.meta.dirname, 'dashboards');

test('the dashboards are what boards.ts says', async () => {
  const files = await dashboardFiles();
  expect(readdirSync(directory).toSorted()).toEqual(Object.keys(files).toSorted());
  for (const [name, text] of Object.entries(files)) {
    expect(readFileSync(join(directory, name), 'utf8'), `${name}: run npm run dashboards`).toBe(text);
  }
});

test('every panel has a title of its own, a description and a place that no other takes', async () => {
  for (const text of Object.values(await dashboardFiles())) {
    const { panels } = JSON.parse(text) as {
      panels: { title: string; description: string; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_cell, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { description, gridPos } of panels) {
      expect(description).not.toBe('');
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  }
});

test('shows a release beginning, and the markers that the pipeline leaves in Grafana', async () => {
  for (const text of Object.values(await dashboardFiles())) {
    const { annotations } = JSON.parse(text) as {
      annotations: { list: { name: string; target?: { tags: string[] } }[] };
    };
    expect(annotations.list.map(({ name }) => name)).toEqual(['Releases', 'Markers']);
    const [tag] = annotations.list[1]?.target?.tags ?? [];
    const marker = readFileSync(join(import.meta.dirname, '../../pipeline/release/marker/grafana.ts'), 'utf8');
    expect(marker).toContain(`const ourTag = '${tag}'`);
  }
});

test('has boards for services, phases, database, runtime, objectives and releases', () => {
  expect(boards.map(({ uid }) => uid)).toEqual(
    expect.arrayContaining(['services', 'dispatch', 'database', 'node', 'slo', 'releases']),
  );
});
