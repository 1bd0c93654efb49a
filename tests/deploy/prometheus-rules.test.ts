import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { root } from '../harness/suite.ts';
import { findTool, mustRun, run } from './tools.ts';

const promtool = findTool('promtool');
const prometheus = join(root, 'monitoring/prometheus');
const filesOf = (folder: string) => readdirSync(join(prometheus, folder)).map((name) => join(prometheus, folder, name));

interface Rule {
  alert?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}
const rules = filesOf('rules').flatMap((file) =>
  (parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules),
);
const alerts = rules.filter(({ alert }) => alert !== undefined);

test.skipIf(!promtool)('promtool finds no fault in the rules, duplicates and style included', async () => {
  await mustRun(promtool ?? '', ['check', 'rules', '--lint=all', '--lint-fatal', ...filesOf('rules')]);
});

test.skipIf(!promtool)('the alerts fire and end when they should', { timeout: 120_000 }, async () => {
  const { code, output } = await run(promtool ?? '', ['test', 'rules', ...filesOf('tests')]);
  expect(code, output).toBe(0);
});

test('every file of rules has a file of tests', () => {
  expect(readdirSync(join(prometheus, 'tests'))).toEqual(readdirSync(join(prometheus, 'rules')));
});

test('every alert says how urgent it is, and leads to a runbook that names it, a dashboard and exemplars', () => {
  expect(alerts.length).toBeGreaterThan(6);
  const boards = readdirSync(join(root, 'monitoring/grafana/dashboards')).map(
    (file) =>
      (JSON.parse(readFileSync(join(root, 'monitoring/grafana/dashboards', file), 'utf8')) as { uid: string }).uid,
  );
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket']).toContain(labels?.['severity']);
    const { summary, runbook_url, dashboard_url, exemplar_query } = annotations ?? {};
    expect([summary, exemplar_query], alert).toEqual([expect.any(String), expect.any(String)]);
    const runbook = /\/runbooks\/([a-z-]+)$/.exec(runbook_url ?? '')?.[1];
    expect(readFileSync(join(root, 'docs/runbooks', `${runbook}.md`), 'utf8')).toContain(alert);
    expect(boards).toContain(dashboard_url?.split('/').at(-1));
  }
});

test('has no runbook for an alert that is gone', () => {
  const named = new Set(alerts.map(({ annotations }) => String(annotations?.['runbook_url']?.split('/').at(-1))));
  const files = readdirSync(join(root, 'docs/runbooks')).map((name) => name.replace('.md', ''));
  expect(files.toSorted()).toEqual([...named].toSorted());
});
