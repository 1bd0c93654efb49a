import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { executePlan, type Run } from './execute.ts';
import { type ExecutableStep, type Executor, plainOutcome, type StepContext } from './executors/executor.ts';
import { createMasker } from './mask.ts';
import { planPipeline } from './plan.ts';
import { readPipeline } from './read.ts';
import { createRecorder, readRun, type RunRecord } from './record.ts';
import type { RunningSpan } from './telemetry.ts';

/**
 * What a command of these tests does: `pass`, `fail N`, `fail-once`, `export A=1`, `print X`, `hang`, `env NAME`.
 *
 * @param onHang is called when a command hangs.
 */
function createFakeExecutor(onHang: () => void = () => {}) {
  const events: string[] = [];
  const tries = new Map<string, number>();
  const environments = new Map<string, Readonly<Record<string, string>>>();
  let running = 0;
  let mostAtOnce = 0;

  async function runStep(step: ExecutableStep, context: StepContext) {
    events.push(step.name);
    environments.set(step.name, context.env);
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    await new Promise((resolve) => setImmediate(resolve));
    try {
      return await outcomeOf(step, context);
    } finally {
      running -= 1;
    }
  }
  async function outcomeOf(step: ExecutableStep, { output, signal }: StepContext) {
    const exports: Record<string, string> = {};
    for (const command of ('commands' in step.settings ? step.settings.commands : undefined) ?? []) {
      const [verb = '', ...rest] = command.split(' ');
      const operand = rest.join(' ');
      if (verb === 'print') output(`${operand}\n`);
      if (verb === 'export') exports[operand.split('=')[0] ?? ''] = operand.split('=')[1] ?? '';
      if (verb === 'fail') return plainOutcome(`ended with exit code ${operand || 1}`, Number(operand || 1));
      if (verb === 'fail-until') {
        const count = (tries.get(step.name) ?? 0) + 1;
        tries.set(step.name, count);
        if (count < Number(operand)) return plainOutcome('ended with exit code 1', 1);
      }
      if (verb === 'hang') {
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        onHang();
        if (!signal.aborted) await aborted;
        return plainOutcome('was ended by SIGTERM', 143);
      }
      if (verb === 'full') throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }
    return { ...plainOutcome(null, 0), exports, value: step.kind === 'git-clone' ? '/volume/clone' : null };
  }
  const executor: Executor = { name: 'fake', volumePath: '/volume', run: runStep };
  return { executor, events, environments, mostAtOnce: () => mostAtOnce };
}

const noSpan: RunningSpan = {
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  task: () => noSpan,
  end: () => {},
};

interface Result {
  record: RunRecord;
  /** Steps in the order in which they began. */
  order: string[];
  states: Record<string, string>;
  fake: ReturnType<typeof createFakeExecutor>;
  pauses: number[];
  said: string[];
}

async function run(steps: string, more: Partial<Run> & { root?: string; onHang?: () => void } = {}): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'hotrod-runner-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const plan = planPipeline(
    readPipeline(`version: "1.0"\n${more.root ?? ''}\nsteps:\n${steps.replaceAll(/^/gm, '  ')}\n`),
  );
  const fake = createFakeExecutor(more.onHang);
  const pauses: number[] = [];
  const said: string[] = [];
  const recorder = createRecorder(directory, emptyRecord);
  const record = await executePlan({
    plan,
    executor: fake.executor,
    recorder,
    reporter: {
      runStarted() {},
      stepStarted() {},
      output() {},
      stepEnded() {},
      runEnded() {},
      say: (line) => said.push(line),
    },
    masker: createMasker(['s3cr3t-value']),
    span: noSpan,
    variables: { CF_BRANCH: 'main', CF_REVISION: 'abc' },
    ambient: { FROM_MACHINE: 'here' },
    branch: 'main',
    approve: () => Promise.resolve('approved'),
    signal: new AbortController().signal,
    force: new AbortController().signal,
    sleep: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
    ...more,
  });
  expect(readRun(directory, record.id)).toEqual(record); // what is on the disk is what was
  return {
    record,
    order: fake.events,
    states: Object.fromEntries(record.steps.map(({ name, state }) => [name, state])),
    fake,
    pauses,
    said,
  };
}

const emptyRecord = {
  id: 'run-1',
  pipeline: 'p',
  file: 'codefresh.yml',
  repository: '/r',
  branch: 'main',
  revision: 'abc',
  commitMessage: '',
  commitAuthor: '',
  initiator: 'me',
  executor: 'fake',
  target: null,
  url: 'http://127.0.0.1/runs/run-1',
  traceId: null,
  traceUrl: null,
  startedAtMs: 1,
  endedAtMs: null,
  verdict: 'running',
  reason: null,
  warnings: [],
  annotations: {},
  stages: [],
  steps: [],
} satisfies Omit<RunRecord, 'process'>;

describe('failure', () => {
  test('of a step stops the build, and says which step and why', async () => {
    const { record, states, order } = await run('a: {image: x}\nb: {image: x, commands: [fail 3]}\nc: {image: x}');
    expect(states).toEqual({ a: 'success', b: 'failure', c: 'skipped' });
    expect(order).toEqual(['a', 'b']);
    expect(record).toMatchObject({ verdict: 'failure', reason: 'b ended with exit code 3' });
    expect(record.steps[2]?.reason).toBe('b stopped the build');
  });

  test('of a step with fail_fast: false lets the build go on and succeed', async () => {
    const { record, states } = await run('a: {image: x, commands: [fail], fail_fast: false}\nb: {image: x}');
    expect(states).toEqual({ a: 'failure', b: 'success' });
    expect(record.verdict).toBe('success');
  });

  test('of a step with strict_fail_fast, too, lets the build go on and fail at its end', async () => {
    const { record, states } = await run(
      'a: {image: x, commands: [fail], fail_fast: false, strict_fail_fast: true}\nb: {image: x}',
    );
    expect(states).toEqual({ a: 'failure', b: 'success' });
    expect(record).toMatchObject({ verdict: 'failure', reason: 'failed though the build went on: a' });
  });

  test.each([
    ['fail_fast: false', 'success'],
    ['fail_fast: false\nstrict_fail_fast: true', 'failure'],
  ])('follows the root where a step says nothing: %j', async (root, verdict) => {
    const { record, states } = await run('a: {image: x, commands: [fail]}\nb: {image: x}', { root });
    expect(states).toEqual({ a: 'failure', b: 'success' });
    expect(record.verdict).toBe(verdict);
  });

  test('takes fail_fast from a variable', async () => {
    const steps =
      'a: {image: x, commands: [export GO_ON=false]}\nb: {image: x, commands: [fail], fail_fast: "${{GO_ON}}"}\nc: {image: x}';
    expect((await run(steps)).states).toEqual({ a: 'success', b: 'failure', c: 'success' });
  });

  test('of a child fails its parallel step, and ends the others', async () => {
    const { record, states } = await run(
      'p: {type: parallel, steps: {a: {image: x, commands: [fail]}, b: {image: x, commands: [hang]}}}\nc: {image: x}',
    );
    expect(states).toEqual({ p: 'failure', a: 'failure', b: 'terminated', c: 'skipped' });
    expect(record.reason).toBe('p failed: a ended with exit code 1');
  });

  test('of a child with fail_fast: false leaves its parallel step a success', async () => {
    const { record, states } = await run(
      'p: {type: parallel, steps: {a: {image: x, commands: [fail], fail_fast: false}, b: {image: x}}}\nc: {image: x}',
    );
    expect(states).toEqual({ p: 'success', a: 'failure', b: 'success', c: 'success' });
    expect(record.verdict).toBe('success');
  });

  test('of a parallel step with fail_fast: false lets the build go on', async () => {
    const { states } = await run(
      'p: {type: parallel, fail_fast: false, steps: {a: {image: x, commands: [fail]}}}\nc: {image: x}',
    );
    expect(states).toEqual({ p: 'failure', a: 'failure', c: 'success' });
  });

  test('of the runner itself, such as a full disk, ends the run as an error and still runs the hooks', async () => {
    const { record, order } = await run('a: {image: x, commands: [full]}\nb: {image: x}', {
      root: 'hooks: {on_finish: [print bye]}',
    });
    expect(record).toMatchObject({ verdict: 'error', reason: 'the runner cannot go on: no space left on device' });
    expect(order).toEqual(['a', 'pipeline.on_finish']);
  });
});

describe('hooks', () => {
  const hooks = (name: string) =>
    `{on_elected: [print], on_success: [print], on_fail: [print], on_finish: [print]${name}}`;

  test('run in order around a step that succeeds, and around the pipeline', async () => {
    const { order } = await run(`a: {image: x, hooks: ${hooks('')}}\nb: {image: x}`, { root: `hooks: ${hooks('')}` });
    expect(order).toEqual([
      'pipeline.on_elected',
      'a.on_elected',
      'a',
      'a.on_success',
      'a.on_finish',
      'b',
      'pipeline.on_success',
      'pipeline.on_finish',
    ]);
  });

  test('run in order around a step that fails', async () => {
    const { order } = await run(`a: {image: x, commands: [fail], hooks: ${hooks('')}}`, {
      root: `hooks: ${hooks('')}`,
    });
    expect(order).toEqual([
      'pipeline.on_elected',
      'a.on_elected',
      'a',
      'a.on_fail',
      'a.on_finish',
      'pipeline.on_fail',
      'pipeline.on_finish',
    ]);
  });

  test('do not run for a step that is skipped', async () => {
    const { order } = await run(`a: {image: x, when: {branch: {only: [other]}}, hooks: ${hooks('')}}`);
    expect(order).toEqual([]);
  });

  test('of on_elected that fail, fail the step; of the pipeline, the build', async () => {
    const failing = 'hooks: {on_elected: [fail], on_finish: [print]}';
    const step = await run(`a: {image: x, ${failing}}\nb: {image: x}`);
    expect(step.order).toEqual(['a.on_elected', 'a.on_finish']);
    expect(step.record).toMatchObject({
      verdict: 'failure',
      reason: 'a failed in its hook on_elected: a.on_elected ended with exit code 1',
    });
    const pipeline = await run('a: {image: x}', { root: failing });
    expect(pipeline.order).toEqual(['pipeline.on_elected', 'pipeline.on_finish']);
    expect(pipeline.record).toMatchObject({ verdict: 'failure' });
    expect(pipeline.states['a']).toBe('skipped');
  });

  test('of on_elected with fail_fast: false may fail', async () => {
    const { record } = await run(
      'a: {image: x, hooks: {on_elected: {exec: {image: x, fail_fast: false, commands: [fail]}}}}',
    );
    expect(record.verdict).toBe('success');
  });

  test.each(['on_success', 'on_finish'])('of %s that fail, fail nothing', async (event) => {
    const { record, said, states } = await run(`a: {image: x, hooks: {${event}: [fail]}}\nb: {image: x}`, {
      root: `hooks: {${event}: [fail]}`,
    });
    expect(record.verdict).toBe('success');
    expect(states['b']).toBe('success');
    expect(said).toEqual([
      `the hook ${event} of a failed; that does not fail the build`,
      `the hook ${event} of the pipeline failed; that does not fail the build`,
    ]);
  });

  test('do not see what steps exported, and get variables by their environment', async () => {
    const { fake } = await run(
      'main_clone: {type: git-clone, repo: a/b}\na: {image: x, commands: [export A=1], hooks: {on_finish: {image: x, environment: ["A=${{A}}", "R=${{CF_REVISION}}", "C=${{parentSteps.main_clone}}", "S=${{steps.a.result}}"]}}}',
    );
    expect(fake.environments.get('a.on_finish')).toEqual({
      A: '${{A}}',
      R: 'abc',
      C: '/volume/clone',
      S: 'success',
      TRACEPARENT: noSpan.traceparent,
    });
  });

  test('of several steps run one after the other, or at once', async () => {
    const steps = (mode: string) =>
      `a: {image: x, hooks: {on_finish: {mode: ${mode}, steps: {one: {image: x}, two: {image: x}}}}}`;
    expect((await run(steps('sequential'))).fake.mostAtOnce()).toBe(1);
    expect((await run(steps('parallel'))).fake.mostAtOnce()).toBe(2);
  });

  test('set annotations', async () => {
    const { record } = await run(
      'a: {image: x, hooks: {on_success: {annotations: {set: [{entity_type: build, annotations: [done, {rev: "${{CF_REVISION}}", n: 1}]}]}}}}',
    );
    expect(record.annotations).toEqual({ done: true, rev: 'abc', n: 1 });
  });

  test('run when the run is ended from outside, and the rest does not', async () => {
    const ended = new AbortController();
    const steps = 'a: {image: x, commands: [hang], hooks: {on_fail: [print], on_finish: [print]}}\nb: {image: x}';
    const { record, order, states } = await run(steps, {
      signal: ended.signal,
      root: 'hooks: {on_finish: [print]}',
      onHang: () => ended.abort(),
    });
    expect(record.verdict).toBe('cancellation');
    expect(order).toEqual(['a', 'a.on_finish', 'pipeline.on_finish']);
    expect(states).toMatchObject({ a: 'terminated', b: 'skipped' });
  });
});

describe('retries', () => {
  test('try again until it works, with longer and longer pauses', async () => {
    const { record, pauses } = await run(
      'a: {image: x, commands: [fail-until 4], retry: {maxAttempts: 5, delay: 10, exponentialFactor: 2}}',
    );
    expect(record.steps[0]).toMatchObject({ state: 'success', attempts: 4 });
    expect(pauses).toEqual([10_000, 20_000, 40_000]);
  });

  test('end with the failure of the last one', async () => {
    const { record, pauses } = await run('a: {image: x, commands: [fail 7], retry: {maxAttempts: 2}}');
    expect(record.steps[0]).toMatchObject({
      state: 'failure',
      attempts: 2,
      exitCode: 7,
      reason: 'ended with exit code 7 (tried 2 times)',
    });
    expect(pauses).toEqual([5_000]);
  });
});

test('a timeout ends a step and fails it', async () => {
  const { record } = await run('a: {image: x, commands: [hang], timeout: .05s}\nb: {image: x}');
  expect(record.steps[0]).toMatchObject({ state: 'failure', reason: 'was not done after .05s' });
  expect(record.verdict).toBe('failure');
});

describe('when', () => {
  test.each([
    ['branch: {only: [main]}', 'success'],
    ['branch: {only: ["/^MA/i"]}', 'success'],
    ['branch: {only: [other, "/^x/"]}', 'skipped'],
    ['branch: {ignore: [main]}', 'skipped'],
    ['branch: {ignore: ["/^feature-/"]}', 'success'],
    [`condition: {all: {a: "'\${{V}}' == '1'", b: "'\${{CF_BRANCH}}' == 'main'"}}`, 'success'],
    [`condition: {all: {a: "'\${{V}}' == '1'", b: "'\${{CF_BRANCH}}' == 'x'"}}`, 'skipped'],
    [`condition: {any: {a: "'\${{V}}' == '2'", b: "'\${{CF_BRANCH}}' == 'main'"}}`, 'success'],
    [`condition: {any: {a: "'\${{V}}' == '2'"}}`, 'skipped'],
    [`condition: {all: {a: "steps.first.result == 'success'"}}`, 'success'],
    [`condition: {all: {a: "steps.broken.result == 'failure' && workflow.result == 'failure'"}}`, 'success'],
    [`condition: {all: {a: "'\${{FROM_MACHINE}}' == 'here'"}}`, 'success'],
    [`condition: {all: {a: "\${{UNSET}} == 1"}}`, 'failure'],
    ['steps: [{name: first}]', 'success'],
    ['steps: [{name: broken, on: [success]}]', 'skipped'],
    ['steps: [{name: broken, on: [failure]}]', 'success'],
    ['steps: [{name: left_out, on: [skipped]}]', 'success'],
    ['steps: {any: [{name: left_out}, {name: broken, on: [finished]}]}', 'success'],
    ['steps: {all: [{name: first}, {name: left_out}]}', 'skipped'],
    ['branch: {only: [main]}, steps: [{name: broken}]', 'skipped'],
  ])('{%s} → %s', async (when, state) => {
    const { states } = await run(
      `first: {image: x, commands: [export V=1]}\nbroken: {image: x, commands: [fail], fail_fast: false}\nleft_out: {image: x, when: {branch: {only: [other]}}}\nlast: {image: x, when: {${when}}}`,
    );
    expect(states['last']).toBe(state);
  });

  test('says why a step is skipped', async () => {
    const { record } = await run(
      `a: {image: x, when: {condition: {all: {is_tuesday: "false"}}}}\nb: {image: x, when: {branch: {only: [x]}}}`,
    );
    expect(record.steps.map(({ reason }) => reason)).toEqual([
      'its condition is_tuesday does not hold',
      'the branch main is not among x',
    ]);
  });
});

describe('the mode parallel', () => {
  const root = 'mode: parallel';

  test('runs what waits for nothing at once, whatever the order of the file', async () => {
    const steps =
      'c: {image: x, when: {steps: [{name: b}]}}\nb: {image: x, when: {steps: [{name: a}]}}\na: {image: x}\nd: {image: x}';
    const { order, fake } = await run(steps, { root });
    expect(order).toEqual(['a', 'd', 'b', 'c']);
    expect(fake.mostAtOnce()).toBe(2);
  });

  test('takes the failure path when the failed step allows it', async () => {
    const steps =
      'a: {image: x, commands: [fail], fail_fast: false}\ngood: {image: x, when: {steps: [{name: a}]}}\nbad: {image: x, when: {steps: [{name: a, on: [failure]}]}}\nafter: {image: x, when: {steps: [{name: good, on: [skipped]}]}}';
    expect((await run(steps, { root })).states).toEqual({
      a: 'failure',
      good: 'skipped',
      bad: 'success',
      after: 'success',
    });
  });

  test('starts a step as soon as any of its conditions holds', async () => {
    const steps =
      'slow: {image: x, commands: [hang], timeout: .1s, fail_fast: false}\nquick: {image: x}\nafter: {image: x, when: {steps: {any: [{name: slow}, {name: quick}]}}}';
    expect((await run(steps, { root })).order).toEqual(['slow', 'quick', 'after']);
  });

  test('waits for a step that an expression asks for, hooks included', async () => {
    const steps = `a: {image: x, hooks: {on_finish: [print]}}\nb: {image: x, when: {condition: {all: {c: "steps.a.result == 'success'"}}}}`;
    expect((await run(steps, { root })).order).toEqual(['a', 'a.on_finish', 'b']);
  });
});

describe('approvals', () => {
  const steps = 'ask: {type: pending-approval}\ngo: {image: x}';

  test('that are given let the build go on', async () => {
    expect((await run(steps)).states).toEqual({ ask: 'approved', go: 'success' });
  });

  test.each(['denied', 'terminated'] as const)(
    'that are %s end it, without being a failure of the code',
    async (state) => {
      const { record, states } = await run(steps, { approve: () => Promise.resolve(state) });
      expect(states).toEqual({ ask: state, go: 'skipped' });
      expect(record.verdict).toBe('cancellation');
    },
  );

  test('that are denied take the path that the file names for it', async () => {
    const both =
      'ask: {type: pending-approval}\nyes: {image: x, when: {steps: [{name: ask, on: [approved]}]}}\nno: {image: x, when: {steps: [{name: ask, on: [denied]}]}}';
    const { states } = await run(both, { approve: () => Promise.resolve('denied') });
    expect(states).toEqual({ ask: 'denied', yes: 'skipped', no: 'success' });
  });
});

describe('variables', () => {
  test('go from step to step by cf_export, and are replaced just before a step', async () => {
    const { record, fake } = await run(
      'a: {image: x, commands: [export A=one]}\nb: {image: x, environment: ["B=${{A}} ${{NONE}}", "E=a=b"], commands: ["print ${{A}} ${{NONE}} ${{steps.a.result}}"]}',
    );
    expect(record.steps[1]?.lastLine).toBe('one ${{NONE}} success');
    expect(fake.environments.get('b')).toMatchObject({
      A: 'one',
      B: 'one ${{NONE}}',
      E: 'a=b',
      CF_BRANCH: 'main',
      CF_STEP_NAME: 'b',
    });
  });

  test('that are secret are hidden in logs, records and reasons', async () => {
    const { record } = await run('a: {image: x, commands: [print s3cr3t-value]}');
    expect(JSON.stringify(record)).not.toContain('s3cr3t-value');
    expect(record.steps[0]?.lastLine).toBe('******');
  });
});
