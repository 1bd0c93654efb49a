/** Makes all that knows the objectives from slo/hotrod.yaml: `npm run slo`. A test compares the files with this. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readCommandLine } from '@hotrod/kit/command-line';
import { format, resolveConfig } from 'prettier';

import { observatoryObjectives } from './observatory-objectives.ts';
import { readObjectives } from './openslo.ts';
import { prometheusRules } from './prometheus-rules.ts';

const root = join(import.meta.dirname, '..');

/** Every file that is made, by its path in the checkout. */
export async function sloFiles(): Promise<Record<string, string>> {
  const objectives = readObjectives(readFileSync(join(import.meta.dirname, 'hotrod.yaml'), 'utf8'));
  const made = {
    'monitoring/prometheus/rules/slo.yml': prometheusRules(objectives),
    'observatory/store/questions/default-objectives.ts': observatoryObjectives(objectives),
  };
  const formatted = Object.entries(made).map(async ([path, text]) => {
    const filepath = join(root, path);
    return [path, await format(text, { ...(await resolveConfig(filepath)), filepath })] as const;
  });
  return Object.fromEntries(await Promise.all(formatted));
}

if (import.meta.main) {
  readCommandLine('slo', {
    help: `Makes of slo/hotrod.yaml the rules of Prometheus and the Observatory's default objectives: npm run slo. It takes
no options. The chart carries a copy of the rules: npm run chart.`,
  });
  for (const [path, text] of Object.entries(await sloFiles())) writeFileSync(join(root, path), text);
}
