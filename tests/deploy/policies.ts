import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse, parseAllDocuments } from 'yaml';

import { root } from '../harness/suite.ts';
import { run } from './tools.ts';

/** An object as a manifest says it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

/** A rule of policy/rules.yaml. */
export interface Rule {
  what: string;
  why: string;
  fix: string;
  incident: { title: string; url: string };
}

/** A manifest that a rule refuses, or allows. */
export interface PolicyCase {
  rule: string;
  refused: boolean;
  /** What was changed of the good object. */
  title: string;
  manifest: Manifest;
}

export const policyDirectory = join(root, 'policy');
const read = (file: string) => readFileSync(join(policyDirectory, file), 'utf8');

export function readRules(): Record<string, Rule> {
  return (parse(read('rules.yaml')) as { rules: Record<string, Rule> }).rules;
}

export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** Every case of policy/cases: the good object of its kind with what the case changes. */
export function readCases(): PolicyCase[] {
  const good = new Map(readManifests(read('cases/good.yaml')).map((manifest) => [manifest.kind, manifest]));
  type Change = Record<string, unknown>;
  const cases = parse(read('cases/cases.yaml')) as Record<
    string,
    { kind: string; refused: Change[]; allowed: Change[] }
  >;
  return Object.entries(cases).flatMap(([rule, { kind, refused, allowed }]) =>
    [...refused, ...allowed].map((change) => {
      const { kind: usual = kind, ...changes } = change as Change & { kind?: string };
      const original = good.get(usual);
      if (!original) throw new Error(`policy/cases/good.yaml has no ${usual}`);
      // A copy in which nothing is shared, as aliases in YAML are.
      const manifest = JSON.parse(JSON.stringify(original)) as Manifest;
      for (const [path, value] of Object.entries(changes)) set(manifest, path.split('.'), value);
      return { rule, refused: refused.includes(change), title: JSON.stringify(change), manifest };
    }),
  );
}

function set(object: Record<string, unknown>, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length > 0) {
    set((object[first] ??= {}) as Record<string, unknown>, rest, value);
  } else if (value === null) {
    delete object[first];
  } else {
    object[first] = value;
  }
}

/** Writes a manifest to a file of its own. @returns the file. */
export function writeManifest(directory: string, name: string, manifests: readonly Manifest[]): string {
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
  return file;
}

/** What the Rego rules say against files. @returns findings, each with its file and rule. */
export async function checkWithConftest(conftest: string, files: readonly string[]) {
  const { stdout, output, code } = await run(conftest, [
    'test',
    `--policy=${join(policyDirectory, 'rego')}`,
    `--data=${join(policyDirectory, 'rules.yaml')}`,
    '--namespace=hotrod',
    '--output=json',
    ...files,
  ]);
  let answer: { filename: string; successes: number; failures?: { msg: string; metadata: { rule: string } }[] }[];
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw new Error(`conftest ended with ${code}:\n${output.slice(0, 4_000)}`);
  }
  return {
    /** How many checks were made in all. */
    checks: answer.reduce((sum, { successes, failures = [] }) => sum + successes + failures.length, 0),
    findings: answer.flatMap(({ filename, failures = [] }) =>
      failures.map(({ msg, metadata }) => ({ filename, rule: metadata.rule, message: msg })),
    ),
  };
}
