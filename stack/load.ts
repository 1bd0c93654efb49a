import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { type Driver, missedThresholds, startDriver } from '@hotrod/loadgen/driver';
import { profiles, rateStages, userCount } from '@hotrod/loadgen/profiles';

import { overCapacity } from './capacity.ts';
import type { LoadStatus } from './control.ts';
import type { Guard } from './guard.ts';
import { type LogFiles, withLog } from './log-files.ts';
import type { StartOptions } from './options.ts';
import { ownGroup, signalGroup } from './process-group.ts';
import { processIdentity } from './process-identity.ts';
import { Refusal } from './refusal.ts';
import { describeCounts } from './table.ts';

/** Whatever orders rides. */
export interface Load {
  status(): LoadStatus | null;
  /** @throws {Refusal} if its rate cannot be set. */
  setRate(ratePerSecond: number): void;
  stop(): Promise<void>;
}

/** What starting load needs. */
export interface LoadContext {
  root: string;
  baseUrl: string;
  env: Readonly<Record<string, string | undefined>>;
  logs: LogFiles;
  guard: Guard;
  /** Is called with what a person wants to know, as a clause to follow "load". */
  report: (news: string) => void;
}

/** How often the outcome of the last dispatches is looked at, in milliseconds. */
const lookEveryMs = 1_000;

/** The built-in driver. It is there even without load, so that setting a rate can begin it. */
export function startBuiltInLoad(load: StartOptions['load'], context: LoadContext): Load {
  const profile = load?.profile ? profiles[load.profile] : null;
  let profileName = profile?.name ?? null;
  const warn = (ratePerSecond: number) => {
    const warning = overCapacity(ratePerSecond, context.env);
    if (warning) context.report(`is too high: ${warning}`);
  };
  if (!profile) warn(load?.ratePerSecond ?? 0);
  const driver = startDriver({
    baseUrl: context.baseUrl,
    plan: profile ? rateStages(profile) : steady(load?.ratePerSecond ?? 0),
    repeats: profile?.repeats ?? false,
    ...(profile ? { users: userCount(profile) } : {}),
  });
  const status = (): LoadStatus => ({ engine: 'builtin', profile: profileName, ...driver.counts() });
  const look = reportFailures(driver, context.report);
  const onFinished = () => {
    const missed = missedThresholds(driver.counts());
    context.report(
      `profile ${profileName} is over: ${describeCounts(status())}; ${missed.length === 0 ? 'thresholds held' : `MISSED: ${missed.join('; ')}`}`,
    );
  };
  void driver.finished.then(onFinished);
  return {
    status,
    setRate(ratePerSecond) {
      profileName = null;
      driver.setRate(ratePerSecond);
      warn(ratePerSecond);
    },
    async stop() {
      clearInterval(look);
      await driver.stop();
    },
  };
}

/** A rate that holds until it is changed. For a rate of 0, a plan that never begins. */
function steady(ratePerSecond: number) {
  return ratePerSecond === 0
    ? []
    : [
        { target: ratePerSecond, seconds: 0 },
        { target: ratePerSecond, seconds: 1e9 },
      ];
}

/** Says once that dispatches fail, and once that they succeed again. */
function reportFailures(driver: Driver, report: (news: string) => void): NodeJS.Timeout {
  let before = driver.counts();
  let failing = false;
  return setInterval(() => {
    const now = driver.counts();
    const failed = now.failed + now.dropped - before.failed - before.dropped;
    const ok = now.ok - before.ok;
    before = now;
    if (!failing && failed > ok) {
      failing = true;
      report(`dispatches fail: ${now.lastFailure ?? 'too many are under way, so further ones are not sent'}`);
    } else if (failing && ok > failed) {
      failing = false;
      report('dispatches succeed again');
    }
  }, lookEveryMs).unref();
}

/** The scripts that the real k6 runs. */
const k6Script = ['loadgen', 'k6.ts'];

/**
 * The k6 on the PATH, made ready to run the same profiles.
 *
 * @throws {Refusal} if there is none, or no scripts for it.
 */
export function findK6(root: string, env: Readonly<Record<string, string | undefined>>): string {
  const script = join(root, ...k6Script);
  if (!existsSync(script))
    throw new Refusal(`${script} is missing, so k6 has nothing to run: use the built-in driver (--load builtin).`);
  const name = process.platform === 'win32' ? 'k6.exe' : 'k6';
  for (const directory of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const program = join(directory, name);
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch {
      // not in this one
    }
  }
  throw new Refusal(
    'There is no k6 on the PATH: install it (https://grafana.com/docs/k6), or use the built-in driver (--load builtin).',
  );
}

/** k6 counts for itself. */
const nothingCounted = { sent: 0, ok: 0, failed: 0, dropped: 0, p50Ms: 0, p95Ms: 0, normalP95Ms: 0, lastFailure: null };

/** Runs k6 until its profile is over. */
export function startK6Load(k6: string, load: NonNullable<StartOptions['load']>, context: LoadContext): Load {
  const settings = {
    BASE_URL: context.baseUrl,
    ...(load.profile ? { PROFILE: load.profile } : { RATE: String(load.ratePerSecond) }),
  };
  const env = Object.fromEntries(
    Object.entries({ ...context.env, ...settings }).filter(([, value]) => value !== undefined),
  );
  const child = withLog(context.logs, 'k6', (log) =>
    spawn(k6, ['run', '--quiet', join(context.root, ...k6Script)], {
      cwd: context.root,
      env,
      stdio: ['ignore', log, log],
      detached: ownGroup,
    }),
  );
  const { pid } = child;
  if (pid !== undefined) context.guard.watch({ name: 'k6', pid, identity: processIdentity(pid), stopSignal: 'SIGINT' });
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    const end = (how: string) => {
      if (pid !== undefined) context.guard.forget(pid);
      if (!stopping) context.report(`k6 ${how}: ${context.logs.path('k6')}`);
      resolve();
    };
    child.once('error', (error) => end(`cannot be started (${error.message})`));
    // k6 ends with 99 if a threshold is crossed.
    child.once('exit', (code, signal) =>
      end(
        code === 0
          ? 'is through, its thresholds held'
          : code === 99
            ? 'MISSED its thresholds'
            : `ended with ${signal ?? `exit code ${code}`}`,
      ),
    );
  });
  return {
    status: () => ({
      engine: 'k6',
      profile: load.profile,
      ratePerSecond: load.ratePerSecond,
      ...nothingCounted,
    }),
    setRate() {
      throw new Refusal('k6 drives the load by its profile: start with --load builtin to change the rate.');
    },
    async stop() {
      stopping = true;
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      // A second interrupt ends k6 without waiting for the answers under way.
      signalGroup(pid, 'SIGINT');
      const force = setTimeout(() => signalGroup(pid, 'SIGKILL'), 500);
      await ended;
      clearTimeout(force);
    },
  };
}
