import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Guard } from '../guard.ts';
import { type LogFiles, withLog } from '../log-files.ts';
import { ownGroup, signalGroup } from '../process-group.ts';
import { processIdentity } from '../process-identity.ts';
import { messageOf, Refusal } from '../refusal.ts';
import { type Environment, withoutGit } from '../releases/git.ts';
import { productionBranch, type Push } from './push.ts';
import type { PipelineRun } from './queue.ts';

/** What the pipeline of a push needs to know of the suite. */
export interface PipelineContext {
  /** The checkout that `npm start` was called in: its runner runs. */
  root: string;
  node: string;
  dataDir: string;
  repository: string;
  /** What the address of a run begins with. */
  runsUrl: string;
  env: Environment;
  /** Variables for the runner and its steps. */
  variables: Readonly<Record<string, string | undefined>>;
  logs: LogFiles;
  guard: Guard;
}

/** Runs pipelines, each in a process of its own. */
export interface PipelineRunner {
  /** @param productionRevision the commit that production is at: what has changed since is released. */
  start(push: Push, productionRevision: string, tell: (line: string) => void): PipelineRun;
  /** The process that runs, to be found after a kill. */
  readonly pid: number | undefined;
  /** Asks the run to stop in good order, and forces it after `patienceMs`. */
  stop(patienceMs: number): Promise<void>;
}

export const pipelineLog = 'pipeline';
const targets = ['stack', 'compose', 'kubernetes'];
/** How often the log of a run is looked at, in milliseconds. */
const followEveryMs = 100;

/** @param onEnd is called when a run is over, with whether its process ended by itself. */
export function createPipelineRunner(
  context: PipelineContext,
  onEnd: (id: string, inGoodOrder: boolean) => void,
): PipelineRunner {
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();

  return {
    start(push, productionRevision, tell) {
      const id = `${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${push.revision.slice(0, 7)}`;
      const args = runnerArguments(context, push, productionRevision, id);
      const from = context.logs.size(pipelineLog);
      const started = withLog(context.logs, pipelineLog, (log) =>
        spawn(context.node, args, {
          cwd: context.dataDir,
          env: runnerEnvironment(context),
          stdio: ['ignore', log, log],
          detached: ownGroup,
          windowsHide: true,
        }),
      );
      child = started;
      const { pid } = started;
      if (pid !== undefined)
        context.guard.watch({ name: 'pipeline', pid, identity: processIdentity(pid), stopSignal: 'SIGTERM' });
      const over = new Promise<string | null>((resolve) => {
        started.once('error', (error) => resolve(`cannot be started: ${error.message}`));
        started.once('exit', (_code, signal) => resolve(signal ? `was ended by ${signal}` : null));
      });
      const followed = followFile(context.logs.path(pipelineLog), from, over, tell);
      ended = over.then(async (failure) => {
        if (pid !== undefined) {
          if (ownGroup) signalGroup(pid, 'SIGKILL'); // steps that a killed runner has left behind
          context.guard.forget(pid);
        }
        child = undefined;
        await followed.catch((error: unknown) => tell(`The log of the run cannot be read: ${messageOf(error)}`));
        // A deploy that had begun is finished by the supervisor, whatever becomes of the pipeline.
        if (failure !== null) tell(`The pipeline ${failure}. What runs in production: npm start -- status`);
        onEnd(id, failure === null);
      });
      return { id, url: `${context.runsUrl}/${id}`, ended };
    },
    get pid() {
      return child?.pid;
    },
    async stop(patienceMs) {
      const pid = child?.pid;
      if (pid === undefined) return;
      signalGroup(pid, 'SIGTERM');
      const cancel = new AbortController();
      const late = sleep(patienceMs, 'late', { signal: cancel.signal }).catch(() => 'ended');
      if ((await Promise.race([ended.then(() => 'ended'), late])) === 'late') signalGroup(pid, 'SIGKILL');
      cancel.abort();
      await ended;
    },
  };
}

/** @throws {Refusal} if the push has an option that does not exist. */
function runnerArguments(context: PipelineContext, push: Push, productionRevision: string, id: string): string[] {
  let target = context.variables['DEPLOY_TARGET'] || 'stack';
  for (const option of push.options) {
    const [name, value = ''] = option.split('=', 2);
    if (name !== 'target' || !targets.includes(value))
      throw new Refusal(`"-o ${option}" is not understood; there is -o target=${targets.join('|')}.`);
    target = value;
  }
  const options = {
    target,
    repo: context.repository,
    revision: push.revision,
    branch: productionBranch,
    'data-dir': context.dataDir,
    'run-id': id,
    'runs-url': context.runsUrl,
    approval: 'auto', // whoever pushes to production has decided
    var: `PRODUCTION_REVISION=${productionRevision}`,
  };
  return [
    join(context.root, 'pipeline', 'runner', 'main.ts'),
    'run',
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  ];
}

function runnerEnvironment({
  env,
  variables,
  node,
  dataDir,
  root,
}: PipelineContext): Record<string, string | undefined> {
  return {
    ...withoutGit(env),
    ...variables,
    PATH: [dirname(node), env['PATH'] ?? ''].join(delimiter),
    HOTROD_DATA_DIR: dataDir,
    HOTROD_CHECKOUT: root,
    NO_COLOR: '1',
  };
}

/** Tells each line that is appended to a file, until `over` has resolved and all is told. */
async function followFile(
  path: string,
  from: number,
  over: Promise<unknown>,
  tell: (line: string) => void,
): Promise<void> {
  const descriptor = openSync(path, 'r');
  const decoder = new StringDecoder();
  const buffer = Buffer.alloc(65_536);
  let position = from;
  let rest = '';
  const readOn = () => {
    // A log that has grown too long is emptied, and goes on from the start.
    if (position > statSync(path).size) position = 0;
    for (let count = 1; count > 0; position += count) {
      count = readSync(descriptor, buffer, 0, buffer.length, position);
      rest += decoder.write(buffer.subarray(0, count));
    }
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(line);
  };
  try {
    const last = over.then(() => 'over' as const);
    for (let state = ''; state !== 'over';) {
      state = await Promise.race([last, sleep(followEveryMs, '')]);
      readOn();
    }
    if (rest !== '') tell(rest);
  } finally {
    closeSync(descriptor);
  }
}
