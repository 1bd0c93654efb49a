import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { createTemporaryDirectory } from '../harness/suite.ts';
import { cloneProduction, type Push, type ScratchRepository } from './scratch-repository.ts';
import {
  childrenOf,
  endStack,
  eventually,
  findPortBase,
  runStackCommand,
  type StackProcess,
  startStack,
} from './stack-process.ts';

let directory: { path: string; remove(): void };
let stack: StackProcess;
let clone: ScratchRepository;
const pushes: Push[] = [];

/**
 * A pipeline with what matters here: a test, a build, a marker, a deploy, a verification. It waits where a file tells it
 * to, so that it can be disturbed at every stage.
 */
const pipeline = (test: string) => `version: '1.0'
stages: [all]
steps:
  main_clone:
    type: git-clone
    stage: all
    repo: local/hotrod
    revision: \${{CF_REVISION}}
  test:
    stage: all
    image: node:24
    commands:
      - '${test}'
  build_route:
    type: build
    stage: all
    image_name: hotrod/route
    tag: x
    build_arguments: [SERVICE=route]
  mark:
    stage: all
    image: node:24
    commands:
      - npx release marker open --message "a release" --file "$CF_VOLUME_PATH/marker.json"
      - '${wait('marked')}'
  deploy:
    type: helm:1.1.12
    stage: all
    arguments:
      action: install
      helm_version: 3.19.0
      release_name: hotrod
      chart_name: charts/hotrod
      kube_context: none
      namespace: none
      custom_values: [services_route_image_tag=x]
    hooks:
      on_finish:
        exec:
          image: node:24
          commands:
            - cd \${{CF_VOLUME_PATH}}/hotrod && npx release marker close --file \${{CF_VOLUME_PATH}}/marker.json
  verify:
    stage: all
    image: node:24
    commands:
      - '${verify}'
`;
/** Nobody rides, so a verification waits for rides for as long as it may. */
const verify =
  'if [ -e "$HOTROD_DATA_DIR/hold-verifying" ]; then touch "$HOTROD_DATA_DIR/at-verifying"; npx release verify --service route --release "0.0.0+$CF_SHORT_REVISION" --baseline 0.0.0 --timeout 30m; fi';
/** Says that it is there, and goes on when it may. */
function wait(stage: string): string {
  return `touch "$HOTROD_DATA_DIR/at-${stage}"; while [ -e "$HOTROD_DATA_DIR/hold-${stage}" ]; do sleep 0.05; done; rm "$HOTROD_DATA_DIR/at-${stage}"`;
}

async function start(): Promise<void> {
  stack = startStack(directory.path, stack?.portBase ?? (await findPortBase()), ['--no-load']);
  await stack.printed(/HotROD runs|HotROD: /);
  expect(stack.errors()).toBe('');
  expect(stack.output()).not.toContain('takes no push');
}
async function commit(test = wait('testing')): Promise<string> {
  clone.write('codefresh.yml', pipeline(test));
  clone.write('services/route/release-note.txt', String(Math.random()));
  return clone.commit('change the route service');
}
function push(...args: Parameters<ScratchRepository['push']>): Push {
  const pushed = clone.push(...args);
  pushes.push(pushed);
  return pushed;
}
const file = (name: string) => join(directory.path, name);
/** Makes the next pipeline stop at a stage. */
const hold = (stage: string) => writeFileSync(file(`hold-${stage}`), '');
const letGo = (stage: string) => rmSync(file(`hold-${stage}`), { force: true });
const reached = (stage: string) => eventually(`the pipeline is at ${stage}`, () => existsSync(file(`at-${stage}`)));
/** The record of the last run. */
function lastRun(): { revision: string; verdict: string } | null {
  const [id] = existsSync(file('runs')) ? readdirSync(file('runs')).toSorted().toReversed() : [];
  try {
    return JSON.parse(readFileSync(join(file('runs'), id ?? '', 'run.json'), 'utf8')) as ReturnType<typeof lastRun>;
  } catch {
    return null;
  }
}
async function routeRelease(): Promise<string> {
  const { output } = await runStackCommand('status', '--data-dir', directory.path);
  return /route .*release \S+\+(\w+)/.exec(output)?.[1] ?? 'checkout';
}
async function markers(): Promise<{ message: string; endMs: number | null }[]> {
  const nowMs = Date.now();
  const response = await fetch(
    `http://127.0.0.1:${stack.portBase + 8}/api/markers?from=${nowMs - 3_600_000}&to=${nowMs + 60_000}`,
  );
  return ((await response.json()) as { message: string; endMs: number | null; type: string }[]).filter(
    ({ type }) => type === 'deploy',
  );
}
const openMarkers = async () => (await markers()).filter(({ endMs }) => endMs === null);
/** What steps of pipelines have left running: a step knows its volume, and nothing else does. Linux alone can say it. */
function stepProcesses(): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CF_VOLUME_PATH=${file('runs')}`)
      );
    } catch {
      return false; // it has ended
    }
  });
}
function runnerPid(): number {
  const runner = childrenOf(stack.process.pid ?? 0).find(({ command }) => command.includes('pipeline/runner/main.ts'));
  return runner?.pid ?? expect.fail('no pipeline runs'); // never 0: a signal to that would end the tests
}

beforeAll(async () => {
  directory = createTemporaryDirectory('push');
  await start();
  clone = await cloneProduction(directory.path);
});
afterEach(() => {
  for (const stage of ['testing', 'marked', 'deploying', 'verifying']) letGo(stage);
  for (const { process: git } of pushes.splice(0)) if (git.exitCode === null) git.kill('SIGKILL');
});
afterAll(async () => {
  await endStack(stack);
  clone?.remove();
  directory?.remove();
});

// One life of production, push by push: each part goes on where the one before stopped.
describe.skipIf(process.platform === 'win32')('git push production', () => {
  it('releases what changed, and shows the pipeline in the terminal of whoever pushed', async () => {
    const revision = await commit();
    const pushed = push();
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toMatch(/remote:\s+✓ deploy .*route \S+ → \S+\+/);
    expect(pushed.output()).toContain(`/runs/`);
    expect(await routeRelease()).toBe(revision.slice(0, 7));
    expect(await stack.dispatch(123)).toBe(200);
    expect(await openMarkers()).toEqual([]);
    const [link] = /http:\/\/127\.0\.0\.1:\d+\/runs\/\S+/.exec(pushed.output()) ?? [];
    expect((await fetch(link ?? '')).status).toBe(200);
  });

  it('does not release what fails its tests, and says which', async () => {
    const before = await routeRelease();
    await commit('echo "FAIL route.test.ts: the road is closed"; exit 1');
    const pushed = push();
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toContain('FAIL route.test.ts: the road is closed');
    expect(pushed.output()).toMatch(/failed after .*test ended with exit code 1/);
    expect(await routeRelease()).toBe(before);
  });

  it('refuses to delete a branch, and keeps other branches without releasing them', async () => {
    const before = await routeRelease();
    await clone.git('checkout', '--quiet', '-b', 'idea');
    await commit();
    const pushed = push('idea');
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toContain('idea is kept here and not deployed: main is what goes to production.');
    await expect(clone.git('push', 'production', '--delete', 'idea')).rejects.toThrow(/The branch idea is not deleted/);
    await expect(clone.git('push', 'production', ':main')).rejects.toThrow(
      /To go back to an earlier commit, push that/,
    );
    await clone.git('checkout', '--quiet', 'main');
    expect(await routeRelease()).toBe(before);
  });

  it('releases one push at a time, and of those that wait the newest', async () => {
    hold('testing');
    await commit();
    const first = push();
    await reached('testing');
    const second = await commit();
    const overtaken = push();
    await eventually('the second push waits', () => /This push waits for it/.exec(overtaken.output()));
    const third = await commit();
    const last = push();
    expect(await overtaken.ended).toBe(0);
    expect(overtaken.output()).toContain(`it is released instead of ${second.slice(0, 7)}`);
    const givesWay = `${second.slice(0, 7)} waited, and gives way to this push.`;
    await eventually('the last push says so, too', () => last.output().includes(givesWay));
    letGo('testing');
    expect(await first.ended).toBe(0);
    expect(await last.ended).toBe(0);
    expect(await routeRelease()).toBe(third.slice(0, 7));
  });

  it.each(['testing', 'marked'])('goes on where the pusher is killed at %s', async (stage) => {
    hold(stage);
    const revision = await commit();
    const pushed = push();
    await reached(stage);
    process.kill(-(pushed.process.pid ?? 0), 'SIGKILL');
    letGo(stage);
    await eventually('the run is over', () => lastRun()?.revision === revision && lastRun()?.verdict === 'success');
    expect(await routeRelease()).toBe(revision.slice(0, 7));
    expect(await openMarkers()).toEqual([]);
  });

  it.each(['testing', 'marked'])('leaves production serving when the runner is killed at %s', async (stage) => {
    const before = await routeRelease();
    hold(stage);
    await commit();
    const pushed = push();
    await reached(stage);
    process.kill(runnerPid(), 'SIGKILL');
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toContain(
      'The pipeline was ended by SIGKILL. What runs in production: npm start -- status',
    );
    expect(await stack.dispatch(123)).toBe(200);
    expect(await routeRelease()).toBe(before);
    await expect.poll(openMarkers, { timeout: 60_000 }).toEqual([]);
  });

  it('rolls the release out to its end when the runner is killed while it deploys, and takes the next push', async () => {
    const main = 'services/route/main.ts';
    const before = await routeRelease();
    hold('deploying');
    const waiting = `import { existsSync, writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(file('at-deploying'))}, '');
while (existsSync(${JSON.stringify(file('hold-deploying'))})) await new Promise((resolve) => setTimeout(resolve, 50));
await runMain(`;
    clone.edit(main, 'await runMain(', waiting);
    const revision = await commit();
    const pushed = push();
    await reached('deploying');
    process.kill(runnerPid(), 'SIGKILL');
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toContain('The pipeline was ended by SIGKILL.');
    expect(await stack.dispatch(123)).toBe(200);
    expect(await routeRelease()).toBe(before);
    await expect.poll(openMarkers, { timeout: 60_000 }).toEqual([]);
    await expect.poll(stepProcesses).toEqual([]);
    letGo('deploying');
    // The supervisor has the order, and carries it out without the runner.
    await expect.poll(routeRelease, { timeout: 60_000 }).toBe(revision.slice(0, 7));

    clone.edit(main, waiting, 'await runMain(');
    const next = await commit();
    expect(await push().ended).toBe(0);
    expect(await routeRelease()).toBe(next.slice(0, 7));
    expect(await stack.dispatch(123)).toBe(200);
  });

  it('keeps the release when the runner is killed while it verifies, and takes the next push', async () => {
    hold('verifying');
    const revision = await commit();
    const pushed = push();
    await reached('verifying');
    await eventually('the verification runs', () => stepProcesses().length > 1);
    process.kill(runnerPid(), 'SIGKILL');
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toContain('The pipeline was ended by SIGKILL.');
    expect(await routeRelease()).toBe(revision.slice(0, 7));
    expect(await stack.dispatch(123)).toBe(200);
    expect(await openMarkers()).toEqual([]);
    await expect.poll(stepProcesses).toEqual([]);

    letGo('verifying');
    const next = await commit();
    expect(await push().ended).toBe(0);
    expect(await routeRelease()).toBe(next.slice(0, 7));
    expect(await openMarkers()).toEqual([]);
  });

  it('takes back a release that does not become ready, while the one before serves', async () => {
    const before = await routeRelease();
    clone.edit('services/route/main.ts', 'await runMain(', "throw new Error('no road');\nawait runMain(");
    await commit();
    const pushed = push();
    expect(await pushed.ended).toBe(0);
    expect(pushed.output()).toMatch(/The new route does not become ready: .*no road.*The one before runs on/);
    expect(await routeRelease()).toBe(before);
    expect(await stack.dispatch(123)).toBe(200);
    expect(await openMarkers()).toEqual([]);
    await clone.git('revert', '--no-edit', 'HEAD');
  });

  it.each(['testing', 'marked'])('comes back as it was where the suite is killed at %s', async (stage) => {
    const before = await routeRelease();
    hold(stage);
    await commit();
    const pushed = push();
    await reached(stage);
    stack.process.kill('SIGKILL');
    await stack.ended;
    expect(await pushed.ended).toBe(0);
    letGo(stage);
    await start();
    expect(stack.output()).toContain('Production runs what was pushed last');
    expect(await routeRelease()).toBe(before);
    expect(await stack.dispatch(123)).toBe(200);
    await expect.poll(openMarkers, { timeout: 60_000 }).toEqual([]);
  });

  it('is refused while nothing runs', async () => {
    await endStack(stack);
    await commit();
    const pushed = push();
    expect(await pushed.ended).toBe(1);
    expect(pushed.output()).toContain('nothing runs in production. Start it with "npm start" and push again');
  });
});
