import { readConfig } from '@hotrod/kit/config';
import { describe, expect, it } from 'vitest';

import { settings } from './config.ts';

const basePathOf = (given: string): string => readConfig(settings, { OBSERVATORY_BASE_PATH: given }).basePath;

describe('OBSERVATORY_BASE_PATH', () => {
  it.each([
    ['', ''],
    ['/', ''],
    ['/observatory', '/observatory'],
    ['/tools/observatory-2/', '/tools/observatory-2'],
  ])('takes "%s" as "%s"', (given, path) => {
    expect(basePathOf(given)).toBe(path);
  });

  it.each(['observatory', '/a//b', '/a b', '/"><script>', '/..', '/a/../b', 'http://host/path'])(
    'refuses "%s", which is no path',
    (given) => {
      expect(() => basePathOf(given)).toThrow('OBSERVATORY_BASE_PATH is not valid: not a path such as /observatory');
    },
  );

  it.each(['/api', '/trace/x', '/1'])('refuses "%s", where the Observatory has addresses of its own', (given) => {
    expect(() => basePathOf(given)).toThrow('begins like an address of its own');
  });
});

describe('OBSERVATORY_OBJECTIVES', () => {
  const objective = (name: string, alertName: string) => ({
    name,
    filter: 'service = "frontend"',
    good: 'error = false',
    objective: 0.99,
    windowMs: 86_400_000,
    alert: { name: alertName, runbook: 'runbook', conditions: [] },
  });
  const objectivesOf = (...given: object[]) =>
    readConfig(settings, { OBSERVATORY_OBJECTIVES: JSON.stringify(given) }).objectives;

  it('takes objectives whose alerts have names of their own, and those without an alert', () => {
    const { alert: _, ...quiet } = objective('C', 'none');
    expect(objectivesOf(objective('A', 'AlertA'), objective('B', 'AlertB'), quiet, quiet)).toHaveLength(4);
  });

  it('refuses two alerts of the same name', () => {
    expect(() => objectivesOf(objective('A', 'Alert'), objective('B', 'Alert'))).toThrow(
      'OBSERVATORY_OBJECTIVES is not valid: two alerts have the same name',
    );
  });
});
