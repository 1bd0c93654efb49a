import validator from '@codefresh-io/yaml-validator';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { PipelineFileError } from './problem.ts';
import { readPipeline } from './read.ts';

/** What Codefresh's own validator says; null where it finds nothing. */
function offline(text: string): string | null {
  try {
    validator.validate(parse(text, { merge: true }) as object, 'default', text, { build: { buildVersion: 'V2' } });
    return null;
  } catch (error) {
    return String(error);
  }
}

function problemsOf(text: string): string[] {
  try {
    readPipeline(text);
    return [];
  } catch (error) {
    if (!(error instanceof PipelineFileError)) throw error;
    return error.problems.map(({ path, line, message }) => `${path} ${line}: ${message}`);
  }
}

/** A pipeline of one step with these lines. */
const step = (lines: string) => `version: "1.0"\nstages: [test]\nsteps:\n  one:\n${lines.replaceAll(/^/gm, '    ')}\n`;
const freestyle = (lines: string) => step(`image: alpine\ncommands: [echo]\n${lines}`);

/** Every key of the subset, in each of its forms. */
const valid: Record<string, string> = {
  'the least': step('image: alpine'),
  'a number as version': 'version: 1.0\nsteps:\n  one: {image: alpine}\n',
  'every key of the root': `version: "1.0"
mode: parallel
stages: [a, b]
fail_fast: false
strict_fail_fast: true
hooks:
  on_elected: [echo begins]
  on_success: {exec: [echo passed]}
  on_fail: {image: alpine, commands: [echo failed]}
  on_finish: {exec: {image: alpine, commands: [echo over]}}
steps:
  one: {image: alpine, stage: a}
  two: {image: alpine, stage: b, when: {steps: [{name: one}]}}
`,
  'every key of a freestyle step': freestyle(`type: freestyle
title: One
description: the first
stage: test
environment: [A=1, "B=\${{CF_BRANCH}}", C=]
working_directory: \${{main_clone}}
shell: bash
timeout: 1.5m
retry: {maxAttempts: 10, delay: 60, exponentialFactor: 1.5}
fail_fast: "\${{FAST}}"
strict_fail_fast: true
when:
  branch: {only: [main, "/^release\\\\/.*/i"], ignore: [old]}
  condition:
    all: {a_1: "'\${{CF_BRANCH}}' == 'main'"}
    any: {b: "true", c: "1 == 2"}`),
  'keys under arguments': step('type: freestyle\narguments:\n  image: alpine\n  commands: [echo]'),
  'every key of git-clone': step(
    'type: git-clone\nrepo: a/b\nrevision: main\ngit: github\ndepth: 50\nworking_directory: x',
  ),
  'every key of build': step(`type: build
image_name: hotrod/customer
working_directory: ./
dockerfile: Dockerfile
tags: [a, b]
registry: cfcr
buildkit: true
build_arguments: [SERVICE=customer]
cache_from: [a/b]
target: service
disable_push: true`),
  'a build with one tag': step('type: build\nimage_name: a/b\ntag: "1"'),
  'an approval': step('type: pending-approval\ntimeout: {duration: 2, timeUnit: minutes, finalState: denied}'),
  'an approval without a time': step('type: pending-approval'),
  'every key of helm': step(`type: helm:1.1.12
working_directory: x
arguments:
  action: install
  chart_name: charts/hotrod
  release_name: hotrod
  namespace: rides
  helm_version: 3.19.0
  kube_context: here
  custom_values: [image_tag=1]
  custom_value_files: [a.yaml]
  cmd_ps: --wait`),
  'parallel steps, one in another': `version: "1.0"
steps:
  both:
    type: parallel
    fail_fast: false
    steps:
      a: {image: alpine}
      more: {type: parallel, steps: {b: {image: alpine}}}
`,
  'hooks of several steps': freestyle(`hooks:
  on_fail:
    mode: parallel
    steps:
      report: {image: alpine, commands: [echo]}
      notify: {image: alpine, commands: [echo]}
  on_finish:
    exec:
      mode: sequential
      steps: {tidy: {image: alpine}}
  on_elected: {exec: {image: alpine, fail_fast: false, commands: [exit 1]}}`),
  annotations: freestyle(`hooks:
  on_success:
    annotations:
      set: [{entity_type: build, annotations: [passed, {coverage: 10.5, by: tests}]}]`),
  'conditions on steps': `version: "1.0"
mode: parallel
steps:
  a: {image: alpine}
  b: {image: alpine, when: {steps: {all: [{name: a, on: [success, skipped]}]}}}
  c: {image: alpine, when: {steps: {any: [{name: a, on: [failure]}, {name: b, on: [finished]}]}}}
`,
  'an anchor and a merge': `version: "1.0"
steps:
  a: &common {image: alpine, stage: null}
  b: {<<: *common, commands: [echo]}
`.replace(', stage: null', ''),
};

describe('reads, as the validator of Codefresh does,', () => {
  test.each(Object.entries(valid))('%s', (_, text) => {
    expect(problemsOf(text)).toEqual([]);
    expect(offline(text)).toBeNull();
  });
});

/** Refused by both. */
const invalid: Record<string, [string, string]> = {
  'an environment of the root': ['version: "1.0"\nenv: {A: b}\nsteps:\n  one: {image: a}\n', 'env 2: is not a key'],
  'a file without steps': ['version: "1.0"\n', ' 1: needs steps'],
  'a file without version': ['steps:\n  one: {image: a}\n', ' 1: needs version'],
  'an unknown mode': ['version: "1.0"\nmode: fast\nsteps:\n  one: {image: a}\n', 'mode 2: is sequential or parallel'],
  'a hook with another name': [
    freestyle('hooks:\n  on_failure: [echo]'),
    'steps.one.hooks.on_failure 8: is not a key that is understood here: write on_fail',
  ],
  'an environment that is a map': [
    freestyle('environment: {A: b}'),
    'steps.one.environment 7: is a list of NAME=VALUE',
  ],
  'a condition with a hyphen': [
    freestyle('when: {condition: {all: {a-b: "true"}}}'),
    'steps.one.when.condition.all.a-b 7: is not a name of a condition',
  ],
  'a stage that is not declared': [
    freestyle('stage: deploy'),
    'steps.one.stage 7: is not among the stages of the file (test)',
  ],
  'a timeout of no form': [
    freestyle('timeout: soon'),
    'steps.one.timeout 7: is a number with its unit: 90s, 10m or 1h',
  ],
  'a state that does not exist': [
    freestyle('when: {steps: [{name: two, on: [failed]}]}'),
    'steps.one.when.steps.0.on.0 7: is one of success',
  ],
  'a step without an image': [step('commands: [echo]'), 'steps.one 4: needs image'],
  'a clone without a repository': [step('type: git-clone'), 'steps.one 4: needs repo'],
  'a build without a name': [step('type: build'), 'steps.one 4: needs image_name'],
  'an unknown key of a build': [
    step('type: build\nimage_name: a/b\ndockerfil: x'),
    'steps.one.dockerfil 7: is not a key that is understood here: is dockerfile meant?',
  ],
  'an unknown key of a condition': [
    freestyle('when: {branches: {only: [a]}}'),
    'steps.one.when.branches 7: is not a key',
  ],
  'an unknown unit of time': [
    step('type: pending-approval\ntimeout: {duration: 2, timeUnit: days}'),
    'steps.one.timeout.timeUnit 6: is minutes or hours',
  ],
  'a shell that is not there': [freestyle('shell: fish'), 'steps.one.shell 7: is sh or bash'],
  'the same name in two places': [
    'version: "1.0"\nsteps:\n  a: {image: x}\n  p: {type: parallel, steps: {a: {image: x}}}\n',
    'steps.p.steps.a 4: is the name of another step, steps.a',
  ],
  'the name of a path': ['version: "1.0"\nsteps:\n  "../x": {image: a}\n', 'is not a name of a step'],
};

describe('refuses, as the validator of Codefresh does,', () => {
  test.each(Object.entries(invalid))('%s', (_, [text, problem]) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
    expect(offline(text)).not.toBeNull();
  });
});

/** Where the validator has no opinion, and Codefresh itself or this runner has one. */
const blindSpots: Record<string, [string, string]> = {
  'an unknown key of a freestyle step': [
    step('image: alpine\ncomands: [echo]'),
    'steps.one.comands 6: is not a key that is understood here: is commands meant?',
  ],
  'more attempts than ten': [freestyle('retry: {maxAttempts: 11}'), 'steps.one.retry.maxAttempts 7: is 1 to 10'],
  'a pause under five seconds': [freestyle('retry: {delay: 1}'), 'steps.one.retry.delay 7: is 5 to 60 seconds'],
  'a factor above five': [freestyle('retry: {exponentialFactor: 6}'), 'steps.one.retry.exponentialFactor 7: is 1 to 5'],
  'a plugin': [step('type: slack-notifier:0.0.8'), 'steps.one.type 5: "slack-notifier:0.0.8" is not supported here'],
  'a composition': [
    step('type: composition\ncomposition: {}\ncomposition_candidates: {}'),
    'steps.one.type 5: "composition" is not supported here',
  ],
  'a matrix': [
    freestyle('matrix: {image: [a, b]}'),
    'steps.one.matrix 7: is not a key that is understood here: Codefresh knows it',
  ],
  'another action of helm': [
    step('type: helm:1.1.12\narguments: {action: push, chart_name: a, release_name: b}'),
    'steps.one.arguments.action 6: is "install" here',
  ],
  'hooks of a parallel step': [
    'version: "1.0"\nsteps:\n  p: {type: parallel, hooks: {on_finish: [echo]}, steps: {a: {image: x}}}\n',
    'steps.p.hooks 3: is not possible at a parallel step',
  ],
  'a variable without a value': [freestyle('environment: [A]'), 'steps.one.environment.0 7: is NAME=VALUE'],
  'an expression that is none': [
    freestyle('when: {condition: {all: {a: "1 =="}}}'),
    'steps.one.when.condition.all.a 7: is not an expression',
  ],
  'a pattern that is none': [
    freestyle('when: {branch: {only: ["/(/"]}}'),
    'steps.one.when.branch.only.0 7: is not a valid /regular expression/',
  ],
  'a step that does not exist': [
    freestyle('when: {steps: [{name: two}]}'),
    'steps.one.when 7: names two, and there is no such step',
  ],
  'a step that comes later': [
    'version: "1.0"\nsteps:\n  a: {image: x, when: {condition: {all: {c: "steps.b.result == \'success\'"}}}}\n  b: {image: x}\n',
    'steps.a.when 3: names b, which comes later',
  ],
  'steps that wait for each other': [
    'version: "1.0"\nmode: parallel\nsteps:\n  a: {image: x, when: {steps: [{name: b}]}}\n  b: {image: x, when: {steps: [{name: a}]}}\n',
    'steps.a.when 4: waits, in a circle, for itself',
  ],
  'the commit message in a command': [
    step('image: alpine\ncommands:\n- echo "${{CF_COMMIT_MESSAGE}}"'),
    'steps.one.commands.0 7: must not hold ${{CF_COMMIT_MESSAGE}}',
  ],
  'a key in two places': [
    step('image: alpine\narguments: {image: other}'),
    'steps.one.arguments.image 6: stands at the step, too',
  ],
  'tag and tags': [step('type: build\nimage_name: a/b\ntag: a\ntags: [b]'), 'steps.one.tags 8: excludes tag'],
  'criteria of success': [
    'version: "1.0"\nsuccess_criteria: {steps: {only: [one]}}\nsteps:\n  one: {image: a}\n',
    'success_criteria 2: is not a key',
  ],
};

describe('refuses, where the validator of Codefresh says nothing,', () => {
  test.each(Object.entries(blindSpots))('%s', (_, [text, problem]) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
    expect(offline(text)).toBeNull();
  });
});

describe('warns about', () => {
  const warnings = (text: string) =>
    readPipeline(text).warnings.map(({ path, line, message }) => `${path} ${line}: ${message}`);

  // The validator refuses it; Codefresh itself passes over it.
  test('a timeout without a unit', () => {
    expect(warnings(freestyle('timeout: 10'))).toEqual([
      expect.stringContaining('steps.one.timeout 7: is ignored without a unit: write 10s'),
    ]);
  });
  test('variables in the commands of a hook', () => {
    expect(warnings(freestyle('hooks: {on_finish: ["echo ${{A}}"]}'))).toEqual([
      expect.stringContaining('steps.one.hooks.on_finish.commands.0'),
    ]);
  });
  test('a missing version of helm', () => {
    expect(warnings(step('type: helm\narguments: {action: install, chart_name: a, release_name: b}'))).toEqual([
      expect.stringContaining('Helm 2.9.1'),
    ]);
  });
});

test('reports all errors at once, in the order of the file', () => {
  const text = 'version: "1.0"\nenv: {}\nsteps:\n  one: {comands: []}\n  two: {type: deploy}\n';
  expect(problemsOf(text).map((problem) => problem.split(':')[0])).toEqual([
    'env 2',
    'steps.one 4',
    'steps.one.comands 4',
    'steps.two.type 5',
  ]);
});

test.each([
  ['no YAML', 'a: [', /is not valid YAML/],
  ['two keys of one name', 'version: "1.0"\nversion: "1.0"\nsteps: {a: {image: b}}', /is not valid YAML/],
  ['a list', '- a', /is a map with version and steps/],
  ['an empty file', '', /is a map with version and steps/],
  [
    'aliases that multiply',
    `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${'*a, '.repeat(50)}]\nc: &c [${'*b, '.repeat(50)}]\nd: [${'*c, '.repeat(50)}]`,
    /is not valid YAML|not a key/,
  ],
])('refuses %s', (_, text, expected) => {
  expect(problemsOf(text).join('\n')).toMatch(expected);
});
