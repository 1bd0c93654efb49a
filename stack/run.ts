import http from 'node:http';

import { createInterrupt } from '@hotrod/pipeline/signals';

import { askStatus, ensurePortBase, setRate, stopSuite } from './control.ts';
import { handOn } from './environment.ts';
import { help, readCommand, type StartOptions } from './options.ts';
import { ephemeralWarning } from './ports.ts';
import { isAlive } from './process-identity.ts';
import { Refusal } from './refusal.ts';
import { checkedOutRevision, releaseVersion } from './revision.ts';
import { shellWord } from './shell-word.ts';
import { createSuite, type Suite } from './suite.ts';
import { portsOf } from './topology.ts';
import { coloured, describeCounts, describeLoad, type Paint, plain, renderTable, suiteRows } from './table.ts';

/** How this program was called. */
interface Call {
  root: string;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}

/** Does what the command line asks. Ends the process by itself if something is wrong: one line, exit code not 0. */
export async function run(call: Call): Promise<void> {
  const paint = process.stdout.isTTY && !call.env['NO_COLOR'] ? coloured : plain;
  // A reader that goes away (`npm start | head`) must not end the suite in disorder.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    const asked = readCommand(call.args, call.env, call.cwd, call.root);
    if (asked.name === 'help') console.log(help);
    else if (asked.name === 'start') await start(asked.options, call, paint);
    else if (asked.portBase !== null) ensurePortBase(asked.dataDir, asked.portBase);
    if (asked.name === 'stop') {
      await stopSuite(asked.dataDir);
      console.log('Stopped.');
    } else if (asked.name === 'rate' || asked.name === 'status') {
      const status = await (asked.name === 'rate' && asked.ratePerSecond !== null
        ? setRate(asked.dataDir, asked.ratePerSecond)
        : askStatus(asked.dataDir));
      if (asked.name === 'rate') console.log(`load: ${status.load ? describeLoad(status.load) : 'none'}`);
      else console.log(renderTable(suiteRows(status, null), paint));
      if (status.load && status.load.sent > 0) console.log(`load: ${describeCounts(status.load)}`);
    }
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const unforeseen = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`HotROD: ${error instanceof Refusal ? error.message : unforeseen}`);
  process.exitCode = error instanceof Refusal ? error.exitCode : 1;
}

async function start(options: StartOptions, call: Call, paint: Paint): Promise<void> {
  const beganMs = performance.now();
  const { env, telemetryTo, notes } = handOn(call.env, options);
  // What this process asks is on this machine, too.
  if (call.env['NODE_USE_ENV_PROXY']) http.setGlobalProxyFromEnv?.(env);
  const revision = await checkedOutRevision(call.root);
  const surroundings = {
    root: call.root,
    node: process.execPath,
    env,
    version: releaseVersion(call.root, revision),
    revision,
  };
  const suite: Suite = createSuite(
    options,
    surroundings,
    (name, news) => {
      console.log(`${paint('gray', new Date().toTimeString().slice(0, 8))} ${paint('bold', name)} ${news}`);
    },
    () => interrupt(),
  );
  const { interrupt, interrupted } = stopOnSignal(suite, paint);
  if (call.env['npm_lifecycle_event']) endWithParent(interrupt);
  try {
    if (options.otlpEndpoint && new URL(options.otlpEndpoint).port === '4317') {
      console.log('Port 4317 is usually OTLP over gRPC; the services speak OTLP over HTTP, usually port 4318.');
    }
    const warning = ephemeralWarning(Object.values(portsOf(options)));
    for (const note of [...notes, ...(warning === null ? [] : [warning])]) console.log(note);
    await suite.start();
  } catch (error) {
    const wasInterrupted = interrupted();
    await suite.stop();
    if (!wasInterrupted) fail(error);
    process.exit();
  }
  if (interrupted()) return; // the signal's handler goes on
  console.log(overview(suite, options, telemetryTo, performance.now() - beganMs, paint));
}

function overview(
  suite: Suite,
  options: StartOptions,
  telemetryTo: string | null,
  tookMs: number,
  paint: Paint,
): string {
  const status = suite.status();
  const at = (name: string) => paint('cyan', status.processes.find((process) => process.name === name)?.url ?? '');
  // People open the first address that they see, so the most useful one comes first.
  const first = options.observatory ? `Look inside at ${at('observatory')}, order` : 'Order';
  return [
    '',
    `${paint('bold', 'HotROD runs')} (ready after ${(tookMs / 1000).toFixed(1)} s). ${first} rides at ${at('frontend')}`,
    '',
    renderTable(suiteRows(status, telemetryTo), paint),
    '',
    ...pushing(suite, options, paint),
    `Faults to switch on and find: ${paint('cyan', `http://127.0.0.1:${portsOf(options)['run pages']}/faults`)}`,
    paint('gray', `Ctrl-C stops everything. Load: npm start -- rate N. Logs: ${options.dataDir}/logs`),
    '',
  ].join('\n');
}

/** How a commit gets into production, and what runs there now. */
function pushing(suite: Suite, options: StartOptions, paint: Paint): string[] {
  const repository = suite.repository();
  if (!repository) return [];
  const { services } = suite.released();
  const versions = new Set(Object.values(services).map(({ version }) => version));
  const releases = suite.status().processes.filter(({ release }) => release !== undefined);
  const running =
    releases.length === 0
      ? `Production runs this checkout, ${[...versions].join(', ')}.`
      : `Production runs what was pushed last, not this checkout: ${releases.map(({ name, release }) => `${name} ${release}`).join(', ')}. "npm start -- --working-copy" forgets it.`;
  return [
    running,
    `Push to production from any clone: ${paint('bold', `git remote add production ${shellWord(repository.path)}`)}, then ${paint('bold', 'git push production main')}`,
    `Runs of the pipeline: ${paint('cyan', `http://127.0.0.1:${portsOf(options)['run pages']}/runs`)}`,
    // Vite, and so Vitest, takes these characters for the beginning of a query or a fragment, or for a pattern.
    ...(/[#?*]/.test(options.dataDir)
      ? ['What is pushed cannot be tested in a path with "#", "?" or "*": start with --data-dir DIR elsewhere.']
      : []),
    '',
  ];
}

/** How often the process that started this one is looked for, in milliseconds. */
const lookForParentEveryMs = 500;

/**
 * Stops when the npm that started this process is gone: `kill -9` of npm reaches no other process. Whoever starts it
 * without npm, with `nohup` for example, may leave.
 */
function endWithParent(interrupt: () => void): void {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent && isAlive(parent)) return;
    clearInterval(look);
    interrupt();
  }, lookForParentEveryMs);
  look.unref();
}

/** The first signal stops in good order, a second one at once. */
function stopOnSignal(suite: Suite, paint: Paint): { interrupt: () => void; interrupted: () => boolean } {
  let isInterrupted = false;
  const stopAndExit = async () => {
    await suite.stop();
    process.exit();
  };
  const interrupt = createInterrupt({
    end() {
      isInterrupted = true;
      const beganMs = performance.now();
      console.log(paint('gray', '\nStopping … (Ctrl-C again: at once)'));
      const load = suite.status().load;
      void suite.stop().then(() => {
        if (load && load.sent > 0) console.log(`load: ${describeCounts(load)}`);
        console.log(`Stopped after ${((performance.now() - beganMs) / 1000).toFixed(1)} s.`);
        process.exit(0);
      });
    },
    force() {
      suite.kill();
      console.log('Ended at once; the database repairs itself at the next start.');
      process.exit(1);
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  process.on('uncaughtException', (error) => {
    fail(error);
    void stopAndExit();
  });
  return { interrupt, interrupted: () => isInterrupted };
}
