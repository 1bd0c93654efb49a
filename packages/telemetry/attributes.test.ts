import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { describe, expect, it } from 'vitest';

import { baggageKeys, metricNames, registry } from './attributes.ts';

const conventional: ReadonlySet<string> = new Set(
  Object.values(conventions).filter((value) => typeof value === 'string'),
);
const wellFormed = /^hotrod(\.[a-z]+(_[a-z]+)*){2,}$/;

describe.each(Object.entries(registry))('%s', (name, { type, meaning, example }) => {
  it('follows the naming rules, and is not in the semantic conventions', () => {
    expect(name).toMatch(wellFormed);
    expect(conventional).not.toContain(name);
  });

  it('says what it means, in a phrase', () => {
    expect(meaning).toMatch(/^\S.{9,}[^.\s]$/);
  });

  it('has an example of its type', () => {
    const item = type.replace('[]', '');
    expect(typeof example).toBe(item === 'int' || item === 'double' ? 'number' : item);
    if (type === 'int') expect(example).toSatisfy(Number.isInteger);
  });
});

describe('the names together', () => {
  it('include no name that is the namespace of another', () => {
    const names = [...Object.keys(registry), ...Object.keys(metricNames)];
    expect(names.filter((name) => names.some((other) => other.startsWith(`${name}.`)))).toEqual([]);
  });

  it.each(Object.entries(metricNames))('give the metric %s a unit and a meaning', (name, { unit, meaning }) => {
    expect(name).toMatch(wellFormed);
    expect(unit).toMatch(/^(s|By|1|\{[a-z]+\})$/);
    expect(meaning).toMatch(/^\S.{9,}[^.\s]$/);
    expect(Object.keys(registry)).not.toContain(name);
  });

  it.each(baggageKeys)('know the baggage %s', (key) => {
    expect(key in registry || conventional.has(key)).toBe(true);
  });
});
