import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { askStatus } from '../control.ts';
import { readSuiteRecord, runs } from '../data-directory.ts';
import { messageOf, Refusal } from '../refusal.ts';
import type { Environment } from '../releases/git.ts';
import { coloured, plain } from '../table.ts';
import { createNarrator } from './narrator.ts';
import { isToBeReset, noteStart, resetDemo } from './reset.ts';
import { playStory, StoryFailure } from './story.ts';

const help = `Plays the whole story: load, the slow band, who it is, the repair, its release, and the way back.

  npm run demo [-- OPTIONS]          play it
  npm run demo:reset [-- OPTIONS]    put production back to what it was before

  --step              wait for Enter before each part
  --data-dir DIR      of the suite to play it on (default .hotrod of this checkout). Where none runs there, the story
                      starts one of its own, in a temporary directory, and removes it
  --port-base N       of that suite of its own (default 8080)
  --keep              leave that suite running after the story, until Ctrl-C

Your checkout and your branches are not touched. Exit codes: 0 everything happened, 1 something did not, 2 wrong use.`;

/** How this program was called. */
interface Call {
  root: string;
  args: readonly string[];
  env: Environment;
  cwd: string;
  input: Readable;
}

/** @returns the exit code. */
export async function demo(call: Call): Promise<number> {
  const say = (line: string) => console.log(line);
  try {
    const { reset, step, keep, dataDir, portBase } = readOptions(call);
    if (dataDir === null) {
      say(help);
      return 0;
    }
    const record = readSuiteRecord(dataDir);
    const isRunning = record !== null && runs(record);
    if (reset) {
      await resetDemo(dataDir, call.env, say);
      return 0;
    }
    const paint = process.stdout.isTTY && !call.env['NO_COLOR'] ? coloured : plain;
    const narrator = createNarrator({ output: process.stdout, input: call.input, step, paint });
    if (!isRunning)
      return await onOwnSuite(call, portBase, keep, (own) => playStory({ dataDir: own, env: call.env, narrator }));
    if (isToBeReset(dataDir)) await resetDemo(dataDir, call.env, say);
    await noteStart(dataDir, call.env);
    await playStory({ dataDir, env: call.env, narrator });
    say('\nEverything happened. "npm run demo:reset" puts production back to what it was.');
    return 0;
  } catch (error) {
    const foreseen = error instanceof Refusal || error instanceof StoryFailure;
    console.error(`\nHotROD: ${foreseen || !(error instanceof Error) ? messageOf(error) : error.stack}`);
    return error instanceof Refusal ? error.exitCode : 1;
  }
}

function readOptions({ args, cwd, root }: Call) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        step: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        'data-dir': { type: 'string' },
        'port-base': { type: 'string', default: '8080' },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
    });
    const [command = 'play', ...more] = positionals;
    if (!['play', 'reset'].includes(command) || more.length > 0)
      throw new Error(`"${positionals.join(' ')}" is not a command`);
    const given = values['data-dir'];
    const dataDir = given === undefined ? join(root, '.hotrod') : resolve(cwd, given.replace(/^~(?=\/)/, homedir()));
    return {
      ...values,
      reset: command === 'reset',
      dataDir: values.help ? null : dataDir,
      portBase: values['port-base'],
    };
  } catch (error) {
    throw new Refusal(`${messageOf(error).split('. ')[0]}. "npm run demo -- --help" lists what there is.`, {
      exitCode: 2,
    });
  }
}

/** Starts a suite in a temporary directory, and leaves nothing of it. */
async function onOwnSuite(
  call: Call,
  portBase: string,
  keep: boolean,
  story: (dataDir: string) => Promise<void>,
): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hotrod-demo-'));
  console.log('No HotROD runs here: the story starts one of its own.');
  const child = spawn(
    process.execPath,
    [join(call.root, 'stack', 'main.ts'), '--data-dir', dataDir, '--port-base', portBase],
    { cwd: call.cwd, env: { ...call.env }, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const over = new AbortController();
  void ended.then(() => over.abort());
  // Ctrl-C is for the story; the suite is then stopped in good order.
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => reject(new Refusal('The story was interrupted.', { exitCode: 130 })));
  });
  interrupted.catch(() => {});
  const play = async () => {
    while (!(await answers(dataDir))) {
      if (over.signal.aborted) throw new Refusal(`The suite does not start:\n${output.trim()}`);
      await sleep(200);
    }
    await story(dataDir);
    console.log('\nEverything happened.');
    if (!keep) return;
    console.log(`The suite runs on, with the repaired release. Ctrl-C ends it and removes ${dataDir}.`);
    await interrupted.catch(() => {});
  };
  try {
    await Promise.race([play(), interrupted]);
    return 0;
  } catch (error) {
    const news = output.split('\n').slice(-15).join('\n').trim();
    if (news !== '') console.error(`\nThe suite said last:\n${news}`);
    throw error;
  } finally {
    child.kill('SIGINT');
    const force = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await ended;
    clearTimeout(force);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function answers(dataDir: string): Promise<boolean> {
  try {
    await askStatus(dataDir);
    return true;
  } catch {
    return false;
  }
}
