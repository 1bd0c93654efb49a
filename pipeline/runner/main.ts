#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { answerApproval } from './approval.ts';
import { changedComponents, releaseValues } from './changed.ts';
import { changedPaths, findRepository, GitError } from './executors/git.ts';
import { runTests } from './executors/tests.ts';
import { type Command, help, readCommand, UsageError } from './options.ts';
import { describeProblem, PipelineFileError } from './problem.ts';
import { readPipeline } from './read.ts';
import { readRun } from './record.ts';

/** As it was at the start: the SDK leaves settings of its own in process.env. */
const env = { ...process.env };

async function run(command: Command): Promise<number> {
  switch (command.name) {
    case 'help':
      console.log(help);
      return 0;
    case 'check': {
      const { warnings, steps } = readPipeline(readFileSync(command.file, 'utf8'), command.file);
      for (const warning of warnings) console.error(`warning: ${describeProblem(command.file, warning)}`);
      console.log(`${command.file} is valid: ${steps.length} steps`);
      return 0;
    }
    case 'changed': {
      const { only, values } = command;
      const touched = changedComponents(await pathsOf(command));
      const changed = touched.filter((component) => only.length === 0 || only.includes(component));
      if (values) writeFileSync(values.file, releaseValues(changed, values.tag));
      process.stdout.write(command.json ? `${JSON.stringify(changed)}\n` : changed.map((name) => `${name}\n`).join(''));
      return 0;
    }
    case 'test': {
      const paths = command.scope === 'all' ? null : await pathsOf(command);
      return runTests(await findRepository(command.repository, env), paths, env);
    }
    case 'approve':
      return approve(command);
    case 'run':
      break;
  }
  // Imported now and not above: `changed` and `test` start in a fraction of the time without it.
  const { runPipeline } = await import('./run-pipeline.ts');
  return runPipeline(command, env);
}

/** Null if it is not known what differs. */
async function pathsOf({
  repository,
  base,
  head,
}: {
  repository: string;
  base: string;
  head: string;
}): Promise<string[] | null> {
  return base === '' ? null : changedPaths(await findRepository(repository, env), base, head, env);
}

function approve({ dataDir, run: id, step, answer }: Extract<Command, { name: 'approve' }>): number {
  const runs = join(dataDir, 'runs');
  const record = readRun(runs, id);
  if (!record) throw new UsageError(`there is no run ${id} in ${runs}`);
  const waiting = record.steps.filter(
    ({ state, name }) => state === 'waiting for approval' && (step === null || name === step),
  );
  const [first, ...others] = waiting;
  if (!first)
    throw new UsageError(`${step ?? 'no step'} of the run ${id} waits for an approval`.replace(/^no step/, 'No step'));
  if (others.length > 0)
    throw new UsageError(`several steps wait, name one: ${waiting.map(({ name }) => name).join(', ')}`);
  answerApproval(join(runs, id), first.name, answer);
  console.log(`${first.name} is ${answer}`);
  return 0;
}

try {
  process.exitCode = await run(readCommand(process.argv.slice(2), env, process.cwd()));
} catch (error) {
  const isUse = error instanceof UsageError || error instanceof PipelineFileError;
  const known = isUse || error instanceof GitError || (error instanceof Error && 'code' in error);
  console.error(known ? `pipeline: ${error.message}` : error);
  process.exitCode = isUse ? 2 : 1;
}
