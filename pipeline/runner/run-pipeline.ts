import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isSdkDisabled } from '@hotrod/telemetry/mode';

import { listenForSignals } from '../signals.ts';
import { createApprover } from './approval.ts';
import { describePlan } from './describe-plan.ts';
import { executePlan } from './execute.ts';
import { createDockerShell } from './executors/docker-shell.ts';
import { type Commit, findRepository, hasUncommittedChanges, readCommit, readFileAt } from './executors/git.ts';
import { createHostShell } from './executors/host-shell.ts';
import { createStepExecutor } from './executors/step-executor.ts';
import { createMasker, secretValues } from './mask.ts';
import type { RunOptions } from './options.ts';
import { planPipeline } from './plan.ts';
import { describeProblem } from './problem.ts';
import { readPipeline } from './read.ts';
import { createRecorder, removeOldRuns, type RunRecord } from './record.ts';
import { createReporter } from './reporter.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How many runs are kept. */
const keptRuns = 50;
/** What a login sets. It is not a variable of a pipeline. */
const ofLogin = /^(PATH|HOME|PWD|OLDPWD|USER|LOGNAME|SHELL|SHLVL|TERM|_|npm_.*|GIT_.*|OTEL_.*|TRACEPARENT)$/;

/**
 * `pipeline run`: reads and plans the pipeline of a commit, carries it out, keeps its record.
 *
 * @returns the exit code.
 */
export async function runPipeline(options: RunOptions, env: Environment): Promise<number> {
  const repository = await findRepository(options.repository, env);
  const commit = await readCommit(repository, options.revision, options.branch, env);
  const onThisMachine = /^[./]/.test(options.file);
  const source = onThisMachine
    ? await readFile(options.file, 'utf8')
    : await readFileAt(repository, commit.revision, options.file, env);
  const pipeline = readPipeline(source, options.file);
  const plan = planPipeline(pipeline);
  const name = await nameOf(repository, commit.revision, env);
  const runId = options.runId ?? createRunId(new Date(), commit.revision);
  const runsDirectory = join(options.dataDir, 'runs');
  const volume = join(runsDirectory, runId, 'volume');
  const url = `${options.runsUrl}/${encodeURIComponent(runId)}`;
  const initiator = env['PIPELINE_INITIATOR'] || userInfo().username;

  if (options.executor === 'dry-run') {
    const variables = pipelineVariables({
      commit,
      name,
      runId,
      url,
      initiator,
      volumePath: '/codefresh/volume',
      startedAtMs: Date.now(),
    });
    console.log(describePlan(plan, { branch: commit.branch, variables: { ...variables, ...options.variables } }));
    return 0;
  }

  const masker = createMasker([...secretValues(env), ...secretValues(options.variables), ...options.secrets]);
  const target =
    options.target === null ? null : await (await import('../targets/create-target.ts')).createTarget(options.target);
  const shell =
    options.executor === 'docker'
      ? createDockerShell('docker', volume, `hotrod-${runId}`, env)
      : createHostShell(volume, env);
  const variables = {
    ...pipelineVariables({
      commit,
      name,
      runId,
      url,
      initiator,
      volumePath: shell.volumePath,
      startedAtMs: Date.now(),
    }),
    DEPLOY_TARGET: options.target ?? '',
    ...options.variables,
  };
  const tracing = await startTracing(env, { id: runId, pipeline: name, url, repository, ...commit });
  removeOldRuns(runsDirectory, keptRuns - 1);
  const recorder = createRecorder(runsDirectory, {
    id: runId,
    pipeline: name,
    file: options.file,
    repository,
    branch: commit.branch,
    revision: commit.revision,
    commitMessage: masker.mask(commit.message),
    commitAuthor: commit.author,
    initiator,
    executor: shell.name,
    target: options.target,
    url,
    traceId: tracing.isOn ? tracing.span.traceId : null,
    traceUrl: tracing.isOn && env['TRACE_URL'] ? env['TRACE_URL'].replaceAll('{traceId}', tracing.span.traceId) : null,
    startedAtMs: Date.now(),
    endedAtMs: null,
    verdict: 'running',
    reason: null,
    warnings: [
      ...pipeline.warnings.map((warning) => describeProblem(options.file, warning)),
      ...((await hasUncommittedChanges(repository, env))
        ? ['Changes that are not committed are not part of this run.']
        : []),
    ],
    annotations: {},
    stages: [...plan.stages],
    steps: [],
  });
  const reporter = createReporter((text) => process.stdout.write(text), {
    colour: process.stdout.isTTY && !env['NO_COLOR'],
    verbose: options.verbose,
  });
  // The first signal ends the run in good order, a second one its hooks as well.
  const { signal, force, forget } = listenForSignals();
  // A reader that goes away (`| head`, a pusher's terminal) must not end a release half way.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  let record: RunRecord;
  try {
    record = await executePlan({
      plan,
      executor: createStepExecutor({ volume, shell, repository, target, env }),
      recorder,
      reporter,
      masker,
      span: tracing.span,
      variables,
      ambient: Object.fromEntries(Object.entries(env).filter(([variable]) => !ofLogin.test(variable))),
      branch: commit.branch,
      approve: createApprover({
        mode: options.approval ?? (process.stdin.isTTY ? 'ask' : 'wait'),
        runId,
        runDirectory: recorder.directory,
        say: reporter.say,
        terminal: { input: process.stdin, output: process.stdout },
      }),
      signal,
      force,
      sleep: (milliseconds, until) => sleep(milliseconds, undefined, { signal: until }),
    });
  } finally {
    forget();
    await tracing.stop();
    recorder.close();
    if (!options.keepVolume) removeVolume(volume, reporter.say);
  }
  return record.verdict === 'success' ? 0 : record.verdict === 'cancellation' && signal.aborted ? 130 : 1;
}

/** The name in package.json; for another project, that of its directory. */
async function nameOf(repository: string, revision: string, env: Environment): Promise<string> {
  try {
    const { name } = JSON.parse(await readFileAt(repository, revision, 'package.json', env)) as { name?: unknown };
    if (typeof name === 'string' && /^[\w.-]+$/.test(name)) return name;
  } catch {
    // not a project of npm
  }
  return basename(repository, '.git').replaceAll(/[^\w-]/g, '') || 'pipeline';
}

/** `20261129-201500-1a2b3c4`: runs sort by their time. */
function createRunId(now: Date, revision: string): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 12).replaceAll(/[:.]/g, '')}-${revision.slice(0, 7)}`;
}

/** https://codefresh.io/docs/docs/pipelines/variables/, as far as they mean something here. */
function pipelineVariables(facts: {
  commit: Commit;
  name: string;
  runId: string;
  url: string;
  initiator: string;
  volumePath: string;
  startedAtMs: number;
}): Record<string, string> {
  const { commit, name, runId, url, initiator, volumePath, startedAtMs } = facts;
  return {
    CI: 'true',
    CF_REPO_OWNER: 'local',
    CF_REPO_NAME: name,
    ...(commit.branch === null
      ? {}
      : { CF_BRANCH: commit.branch, CF_BRANCH_TAG_NORMALIZED: normalised(commit.branch) }),
    CF_REVISION: commit.revision,
    CF_SHORT_REVISION: commit.revision.slice(0, 7),
    CF_COMMIT_AUTHOR: commit.author,
    CF_COMMIT_MESSAGE: commit.message,
    CF_BUILD_ID: runId,
    CF_BUILD_URL: url,
    CF_BUILD_TIMESTAMP: String(startedAtMs),
    CF_BUILD_INITIATOR: initiator,
    CF_PIPELINE_NAME: name,
    CF_VOLUME_PATH: volumePath,
  };
}

/** A branch as the tag of an image may be written. */
function normalised(branch: string): string {
  return branch
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, 128);
}

/** If no endpoint is set, the run is no trace. One that cannot be reached costs two seconds at the end, nothing else. */
async function startTracing(
  env: Environment,
  run: { id: string; pipeline: string; url: string; repository: string; revision: string; branch: string | null },
) {
  const telemetry = await import('./telemetry.ts');
  const isOn =
    Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) && !isSdkDisabled(env);
  let stop = async () => {};
  if (isOn) {
    const { startTracingAlone } = await import('@hotrod/telemetry/tracing-alone');
    const given = env['OTEL_RESOURCE_ATTRIBUTES'];
    stop = startTracingAlone(env, {
      serviceName: env['OTEL_SERVICE_NAME'] || 'pipeline',
      resourceAttributes: [
        `service.namespace=hotrod,host.name=${encodeURIComponent(hostname())}`,
        telemetry.resourceAttributes(run),
        ...(given ? [given] : []),
      ].join(','),
    });
  }
  return { isOn, span: telemetry.startRun(run.pipeline, env['TRACEPARENT']), stop };
}

function removeVolume(volume: string, say: (line: string) => void): void {
  try {
    rmSync(volume, { recursive: true, force: true });
  } catch (error) {
    say(`${volume} cannot be removed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
