import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { sloFiles } from '../../slo/generate.ts';
import { readObjectives } from '../../slo/openslo.ts';
import { parseSelector } from '../../slo/selector.ts';
import { root } from '../harness/suite.ts';

// Not beside what it tests: no image holds these files, and unit tests run before an image is made.

test('every file that knows the objectives is what slo/hotrod.yaml says', async () => {
  for (const [path, text] of Object.entries(await sloFiles())) {
    expect(readFileSync(join(root, path), 'utf8'), `${path}: run npm run slo`).toBe(text);
  }
});

test("the objectives ask for buckets that the Collector's configuration has", () => {
  const buckets = /&duration-buckets \[(.*)\]/.exec(
    readFileSync(join(root, 'otel-collector/config.yaml'), 'utf8'),
  )?.[1];
  const seconds = (buckets ?? '').split(', ').map((text) => parseFloat(text) / (text.endsWith('ms') ? 1000 : 1));
  for (const { good } of readObjectives(readFileSync(join(root, 'slo/hotrod.yaml'), 'utf8'))) {
    const bound = parseSelector(good).matchers.find(({ label }) => label === 'le')?.value;
    if (bound !== undefined) expect(seconds).toContain(Number(bound));
  }
});
