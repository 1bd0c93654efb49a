import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, onTestFinished, test } from 'vitest';

import { startOtlpReceiver } from '../../tests/harness/otlp-receiver.ts';
import { readRun, type RunRecord } from './record.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ended {
  code: number | null;
  output: string;
}

function start(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended>; output: () => string } {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, output })));
  return { child, ended, output: () => output };
}

async function must(program_: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program_, args, { cwd, stdio: 'ignore' });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program_} ${args.join(' ')} ended with ${String(code)}`);
}

/** A repository with one commit on the branch main. */
async function createRepository(files: Readonly<Record<string, string>>, message = 'first'): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'hotrod-pipeline-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  await must('git', ['init', '--quiet', '--initial-branch=main', '.'], directory);
  await must('git', ['add', '--all'], directory);
  await must(
    'git',
    ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', 'commit', '--quiet', '--message', message],
    directory,
  );
  return directory;
}

const pipeline = (steps: string, root = '') => `version: "1.0"\n${root}\nsteps:\n${steps.replaceAll(/^/gm, '  ')}\n`;

function onlyRun(repository: string): { record: RunRecord; directory: string } {
  const runs = join(repository, '.hotrod', 'runs');
  const [id = ''] = readdirSync(runs);
  const record = readRun(runs, id);
  if (!record) throw new Error(`There is no record in ${runs}`);
  return { record, directory: join(runs, id) };
}

const clone =
  'main_clone: {type: git-clone, repo: "${{CF_REPO_OWNER}}/${{CF_REPO_NAME}}", revision: "${{CF_REVISION}}"}\n';

describe('pipeline run', () => {
  test('runs the committed pipeline in a clone, hands variables on, and keeps its record', async () => {
    const message = 'it\'s $(touch hacked) `touch hacked` "quoted"';
    const steps = `${clone}one:
  image: alpine
  commands:
    - test "$(cat hello)" = world
    - test "$PWD" = "\${{main_clone}}"
    - printf '%s' "$CF_COMMIT_MESSAGE" > ../message
    - |
      cf_export A="two words" "B=line one
      line two"
    - sh -c 'cf_export C=nested'
two:
  image: alpine
  environment: ["D=\${{A}}"]
  commands:
    - test "$A/$C/$D" = "two words/nested/two words"
    - printf '%s\\n' "$B" | grep -c line
    - cat ../message
`;
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps), hello: 'world\n' }, message);
    writeFileSync(join(repository, 'hello'), 'not committed');
    const { code, output } = await start(['run'], repository).ended;
    expect(output).toContain('passed in');
    expect(code).toBe(0);
    const { record, directory } = onlyRun(repository);
    expect(record).toMatchObject({ verdict: 'success', branch: 'main', commitMessage: message, executor: 'host' });
    expect(record.warnings).toEqual(['Changes that are not committed are not part of this run.']);
    expect(record.steps.map(({ state }) => state)).toEqual(['success', 'success', 'success']);
    expect(readFileSync(join(directory, 'two.log'), 'utf8')).toBe(`2\n${message}`);
    expect(existsSync(join(directory, 'volume'))).toBe(false);
    expect(existsSync(join(repository, 'hacked'))).toBe(false);
  });

  test('ends with 1 where a step fails, and shows its last lines', async () => {
    const steps =
      'one:\n  image: alpine\n  commands: [for i in $(seq 60); do echo "line $i"; done, "false", echo never]\n';
    const { code, output } = await start(['run'], await createRepository({ 'codefresh.yml': pipeline(steps) })).ended;
    expect(code).toBe(1);
    expect(output).toMatch(/✗ one .* ended with exit code 1\n/);
    expect(output).toContain('line 60');
    expect(output).not.toMatch(/line 20\n|never/);
    expect(output).toMatch(/failed after .*: one ended with exit code 1/);
  });

  test('hides secrets in the terminal, in logs and in records', async () => {
    const secret = 'k3y-nobody-may-see';
    const steps = `one:
  image: alpine
  commands:
    - echo "it is $MY_TOKEN"
    - printf '%s' "user:$MY_TOKEN" | base64
    - printf 'k3y-nob'; sleep 0.2; echo ody-may-see
    - cf_export --mask LATER=another-hidden-one
two:
  image: alpine
  commands:
    - echo "$LATER \${{LATER}} $PLAIN"
    - exit 4
`;
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps) });
    const { output, code } = await start(
      ['run', '--verbose', '--secret', 'PLAIN', '--var', 'PLAIN=plain-looking'],
      repository,
      { MY_TOKEN: secret },
    ).ended;
    expect(code).toBe(1);
    const { directory } = onlyRun(repository);
    const all = [output, ...readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'))].join(
      '\n',
    );
    expect(all).toContain('it is ******');
    expect(all).toContain('****** ****** ******');
    for (const hidden of [
      secret,
      'another-hidden-one',
      'plain-looking',
      Buffer.from(`user:${secret}`).toString('base64'),
    ]) {
      expect(all).not.toContain(hidden);
    }
  });

  test('ends what a step leaves behind, and what it does not finish in time', async () => {
    const steps =
      'one: {image: x, commands: ["sleep 300 & echo $! > ../left; echo done"]}\ntwo: {image: x, timeout: 3s, commands: ["trap : TERM; sleep 300 & echo $! > ../late; wait; sleep 300"]}\n';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps.replaceAll('../', '')) });
    const { code, output } = await start(['run', '--keep-volume'], repository).ended;
    expect(code).toBe(1);
    expect(output).toContain('two was not done after 3s');
    const { directory } = onlyRun(repository);
    for (const file of ['left', 'late']) {
      const pid = Number(readFileSync(join(directory, 'volume', file), 'utf8'));
      await expect.poll(() => isAlive(pid), { message: file }).toBe(false);
    }
  });

  test('ends in good order at a signal: the step stops, hooks run, exit code 130', async () => {
    const steps =
      'one: {image: x, commands: [echo begun, sleep 300], hooks: {on_finish: [echo tidy]}}\ntwo: {image: x}\n';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps, 'hooks: {on_finish: [echo bye]}') });
    const run = start(['run', '--verbose'], repository);
    await expect.poll(run.output).toContain('begun');
    run.child.kill('SIGINT');
    const { code, output } = await run.ended;
    expect(code).toBe(130);
    expect(output).toMatch(/tidy[^]*bye/);
    expect(onlyRun(repository).record).toMatchObject({
      verdict: 'cancellation',
      steps: [{ state: 'terminated' }, { state: 'skipped' }, {}, {}],
    });
  });

  test('takes signals that come together for one, and ends the hooks as well at a later one', async () => {
    const steps =
      'one: {image: x, commands: [echo begun, sleep 300], hooks: {on_finish: [echo tidying, sleep 2, echo tidy]}}\n';
    const hook = 'hooks: {on_finish: [echo waiting, sleep 300]}';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps, hook) });
    const run = start(['run', '--verbose'], repository);
    await expect.poll(run.output).toContain('begun');
    // As Ctrl-C with npm, or systemd and a parent, send them.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGTERM'] as const) run.child.kill(signal);
    await expect.poll(run.output).toContain('waiting');
    expect(run.output()).toMatch(/^.*tidy$/m);
    const forcedMs = performance.now();
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(130);
    expect(performance.now() - forcedMs).toBeLessThan(50_000); // a hook may take 60 s
  });

  test('that is killed leaves no process, and a record that says so', async () => {
    const steps = 'one: {image: x, commands: ["echo $$ > pid", echo begun, sleep 300]}\ntwo: {image: x}\n';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps) });
    const run = start(['run', '--verbose'], repository);
    await expect.poll(run.output).toContain('begun');
    run.child.kill('SIGKILL');
    await run.ended;
    const { record, directory } = onlyRun(repository);
    expect(record).toMatchObject({ verdict: 'interrupted', steps: [{ state: 'terminated' }, { state: 'skipped' }] });
    const pid = Number(readFileSync(join(directory, 'volume', 'pid'), 'utf8'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('ends with a sentence where the disk is full, after its hooks, and the record says so', async ({ skip }) => {
    const steps =
      'one: {image: x, commands: ["yes | head -c 2000000", sleep 300], hooks: {on_finish: [echo tidy]}}\ntwo: {image: x}\n';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps) });
    const disk = join(repository, '.hotrod');
    mkdirSync(disk);
    try {
      await must('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk], repository);
    } catch {
      skip('A small disk can be mounted by root on Linux alone');
    }
    try {
      const { code, output } = await start(['run'], repository).ended;
      expect(output).toMatch(/could not be run after .*: the runner cannot go on: ENOSPC: no space left on device/);
      expect(code).toBe(1);
      expect(onlyRun(repository).record).toMatchObject({
        verdict: 'error',
        steps: [{ state: 'terminated' }, { state: 'skipped' }, { name: 'one.on_finish', state: 'success' }],
      });
    } finally {
      await must('umount', ['-l', disk], repository); // a process that was killed may hold it for a moment
    }
  });

  test('waits for an approval from another terminal', async () => {
    const steps = 'ask: {type: pending-approval}\ngo: {image: x, commands: [echo gone]}\n';
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps) });
    const run = start(['run', '--run-id', 'waits'], repository);
    await expect.poll(run.output).toContain('npx pipeline approve waits');
    expect(await start(['approve', 'waits'], repository).ended).toMatchObject({ code: 0, output: 'ask is approved\n' });
    expect(await run.ended).toMatchObject({ code: 0, output: expect.stringContaining('gone') });
  });

  test('tells of a pipeline that is not valid, with 2, and begins nothing', async () => {
    const repository = await createRepository({ 'codefresh.yml': pipeline('one: {image: x, comands: [a]}\n') });
    expect(await start(['run'], repository).ended).toEqual({
      code: 2,
      output:
        'pipeline: codefresh.yml:4:19 steps.one.comands: is not a key that is understood here: is commands meant?\n',
    });
    expect(existsSync(join(repository, '.hotrod'))).toBe(false);
  });

  test.each([
    [['run', '--target', 'moon'], /--target takes stack, compose, kubernetes, not "moon"/],
    [['run', '--var', '1=2'], /--var takes NAME=VALUE/],
    [['run', '--secret', 'NONE'], /--secret NONE: there is no such variable/],
    [['walk'], /"walk" is not a command/],
    [['changed'], /--base is missing/],
    [['approve', 'none'], /there is no run none/],
    [['run', '--colour'], /--colour/],
  ])('refuses %j with 2 and one line', async (args, message) => {
    const { code, output } = await start(
      args,
      await createRepository({ 'codefresh.yml': pipeline('one: {image: x}\n') }),
    ).ended;
    expect(code).toBe(2);
    expect(output).toMatch(/^pipeline: [^\n]+\n$/);
    expect(output).toMatch(message);
  });

  test.each([
    [['run', '--revision', 'none'], /unknown revision|bad revision|ambiguous argument/],
    [['run', '--file', 'other.yml'], /other.yml/],
  ])('says what is not there, with 1: %j', async (args, message) => {
    const { code, output } = await start(
      args,
      await createRepository({ 'codefresh.yml': pipeline('one: {image: x}\n') }),
    ).ended;
    expect(code).toBe(1);
    expect(output).toMatch(message);
    expect(output).not.toContain('    at ');
  });

  test('prints the plan and starts nothing as a dry run', async () => {
    const steps = `${clone}one: {image: alpine, commands: [touch ran], when: {branch: {only: [other]}}}\ntwo: {image: alpine, commands: [touch ran], when: {condition: {all: {a: "'\${{A}}' == '1'"}}}}\n`;
    const repository = await createRepository({ 'codefresh.yml': pipeline(steps) });
    const { code, output } = await start(['run', '--executor', 'dry-run'], repository).ended;
    expect(code).toBe(0);
    expect(output).toMatch(/main_clone +runs +git-clone/);
    expect(output).toMatch(/one +left out +freestyle, alpine/);
    expect(output).toMatch(/two +depends +freestyle, alpine\n +\$ touch ran/);
    expect(existsSync(join(repository, '.hotrod'))).toBe(false);
  });
});

describe('the trace of a run', () => {
  const steps =
    'test_it: {image: x, stage: test, commands: ["echo parent=$TRACEPARENT", "test -z \\"$OTEL_EXPORTER_OTLP_ENDPOINT\\""], hooks: {on_finish: [echo tidy]}}\nbad: {image: x, commands: [exit 5]}\n';

  test('has the names of the CI/CD conventions, and each step is told its span', async () => {
    const receiver = await startOtlpReceiver();
    onTestFinished(() => receiver.close());
    const repository = await createRepository({
      'codefresh.yml': pipeline(steps, 'stages: [test]'),
      'package.json': '{"name":"rides"}',
    });
    const { code } = await start(['run', '--run-id', 'run-1'], repository, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    }).ended;
    expect(code).toBe(1);
    const { record, directory } = onlyRun(repository);
    const { spans } = receiver;
    const byName = Object.fromEntries(spans.map((span) => [span.name, span]));
    expect(Object.keys(byName).toSorted()).toEqual(['RUN rides', 'bad', 'test_it', 'test_it.on_finish']);
    const root = byName['RUN rides'];
    expect(root).toMatchObject({
      traceId: record.traceId,
      attributes: { 'cicd.pipeline.result': 'failure', 'cicd.pipeline.action.name': 'RUN', 'error.type': 'failure' },
    });
    expect(root?.resource).toMatchObject({
      'service.name': 'pipeline',
      'cicd.pipeline.name': 'rides',
      'cicd.pipeline.run.id': 'run-1',
      'vcs.ref.head.revision': record.revision,
      'vcs.ref.head.name': 'main',
    });
    expect(byName['test_it']).toMatchObject({
      parentSpanId: root?.spanId,
      attributes: {
        'cicd.pipeline.task.name': 'test_it',
        'cicd.pipeline.task.run.id': 'run-1/test_it',
        'cicd.pipeline.task.type': 'test',
        'cicd.pipeline.task.run.result': 'success',
      },
    });
    expect(byName['test_it.on_finish']?.parentSpanId).toBe(byName['test_it']?.spanId);
    expect(byName['bad']?.attributes).toMatchObject({ 'cicd.pipeline.task.run.result': 'failure' });
    expect(readFileSync(join(directory, 'test_it.log'), 'utf8')).toContain(
      `parent=00-${record.traceId ?? ''}-${byName['test_it']?.spanId ?? ''}-01`,
    );
  });

  test('that nobody takes costs nothing but a line', async () => {
    const repository = await createRepository({ 'codefresh.yml': pipeline('one: {image: x}\n') });
    const { code, output } = await start(['run'], repository, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
      .ended;
    expect(output).toContain('passed in');
    expect(code).toBe(0);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
