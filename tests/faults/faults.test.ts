import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { prepareFlagFile, readFlagFile, writeFlagFile } from '../../faults/flag-file.ts';
import { type FlagSet, switchOff, switchOn } from '../../faults/flag-set.ts';
import { readManifests } from '../../faults/manifest.ts';
import { countSignature } from '../../faults/signature.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { createTemporaryDirectory, startSuite, type Suite } from '../harness/suite.ts';

/** Rides under way at once; and how many of them prove that a fault is gone. */
const atOnce = 5;
const ridesToBeSure = 15;
/** A switch is seen within two seconds; ten times that on a starved machine. */
const seenWithinMs = 20_000;
const signatureWithinMs = 90_000;
const goneWithinMs = 60_000;
const customers = [123, 392, 567, 731, 12_323, 32_392, 73_451, 55_673, 44_802, 18_745];

let directory: { path: string; remove(): void };
let file: string;
let observatory: RunningObservatory;
let suite: Suite;

beforeAll(async () => {
  directory = createTemporaryDirectory('faults');
  file = join(directory.path, 'flags.json');
  prepareFlagFile(file);
  observatory = await startObservatory();
  suite = await startSuite({ otlpUrl: observatory.otlpUrl, env: { FLAGS_FILE: file, LOG_LEVEL: 'info' } });
});
// A fault that a failed test has left on must not be met by the next one.
beforeEach(async () => {
  turn(switchOff);
  await meets([]);
});
afterAll(async () => {
  await suite?.stop();
  await observatory?.stop();
  directory.remove();
});

function turn(change: (set: FlagSet) => FlagSet): void {
  writeFlagFile(file, change(readFlagFile(file)));
}

let next = 0;
/** Orders rides, some at once, until `enough` says so. @returns how many were answered, and how many of these failed. */
async function ride(enough: () => boolean): Promise<{ rides: number; failed: number }> {
  let rides = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (!enough()) {
        next += 1;
        const { status } = await suite.dispatch(customers[next % customers.length] ?? 123);
        rides += 1;
        if (status !== 200) failed += 1;
      }
    }),
  );
  return { rides, failed };
}

async function rideFor(count: number): Promise<{ rides: number; failed: number }> {
  let left = count;
  return ride(() => (left -= 1) < 0);
}

/** Orders rides until the flags that they met are the expected ones. */
async function meets(flags: readonly string[]): Promise<void> {
  const deadline = Date.now() + seenWithinMs;
  for (;;) {
    const { traceId } = await suite.dispatch(123);
    const found = await rootAttribute(traceId, 'hotrod.fault.flags');
    if (JSON.stringify(found ?? []) === JSON.stringify(flags)) return;
    if (Date.now() > deadline) throw new Error(`A ride still meets ${JSON.stringify(found)}, not ${flags.join()}`);
  }
}

async function rootAttribute(traceId: string, key: string): Promise<unknown> {
  for (;;) {
    const response = await fetch(`${observatory.url}/api/traces/${traceId}`);
    const trace = (await response.json()) as { spans?: { name: string; attributes: Record<string, unknown> }[] };
    const root = trace.spans?.find(({ name }) => name === 'GET /dispatch');
    if (root) return root.attributes[key];
    await sleep(100);
  }
}

/** Waits until the Observatory has stored what the rides so far have told. */
async function settled(): Promise<void> {
  const { traceId } = await suite.dispatch(123);
  await rootAttribute(traceId, 'hotrod.fault.flags');
}

test('with every fault off no span has an error and no ride fails', async () => {
  const since = Date.now();
  const { failed } = await rideFor(ridesToBeSure);
  await settled();
  const signature = { question: 'spans', scope: 'spans', filter: 'error = true', atLeast: 1 } as const;
  expect(await countSignature(observatory.url, signature, since)).toBe(0);
  expect(failed).toBe(0);
});

test.each([...readManifests().values()])(
  '$flag shows its signature when it is on, and no more when it is off',
  async ({ flag, signature }) => {
    const since = Date.now();
    const count = () => countSignature(observatory.url, signature, since);
    expect(await count(), 'before the switch').toBeLessThan(signature.atLeast);

    turn((set) => switchOn(set, flag));
    let shown = 0;
    const deadline = Date.now() + signatureWithinMs;
    let looking = true;
    const look = (async () => {
      try {
        while (shown < signature.atLeast && Date.now() < deadline) {
          await sleep(250);
          shown = await count();
        }
      } finally {
        looking = false;
      }
    })();
    await Promise.all([ride(() => !looking), look]);
    expect(shown, 'spans or log records that show it').toBeGreaterThanOrEqual(signature.atLeast);

    turn((set) => switchOff(set, flag));
    await meets([]);
    await settled();
    // How often some rides show it now. A machine that stands still for a moment makes whatever runs then slow, as some
    // faults do; but it does not do so each time.
    const shownByRides = async () => {
      const sinceOff = Date.now();
      const before = signature.question === 'logs' ? 0 : await count();
      await rideFor(ridesToBeSure);
      await settled();
      const after =
        signature.question === 'logs' ? await countSignature(observatory.url, signature, sinceOff) : await count();
      return after - before;
    };
    await expect
      .poll(shownByRides, { timeout: goneWithinMs, message: 'after it was switched off' })
      .toBeLessThan(signature.atLeast);
  },
);

test('a ride says which faults it met, and the event names the flag, its variant and the trace', async () => {
  turn((set) => switchOn(set, 'log-flood'));
  await meets(['log-flood']);
  const { traceId } = await suite.dispatch(123);
  const logs = async () => {
    const response = await fetch(`${observatory.url}/api/traces/${traceId}/logs`);
    return (await response.json()) as { eventName: string; service: string; attributes: Record<string, unknown> }[];
  };
  await expect
    .poll(async () => (await logs()).filter(({ eventName }) => eventName === 'feature_flag.evaluation'), {
      timeout: 60_000,
    })
    .toContainEqual(
      expect.objectContaining({
        service: 'driver',
        attributes: expect.objectContaining({
          'feature_flag.key': 'log-flood',
          'feature_flag.result.variant': 'on',
          'feature_flag.result.reason': 'static',
          'feature_flag.provider.name': 'flag file',
        }) as unknown,
      }),
    );
});

test('a mystery is in force without its name', async () => {
  turn((set) => switchOn(set, 'cold-cache', { mystery: true }));
  await meets(['mystery']);
});

test('a fault of one release leaves the others alone', async () => {
  turn((set) => switchOn(set, 'slow-release', { release: 'a release that does not run' }));
  const since = Date.now();
  await rideFor(ridesToBeSure);
  await settled();
  const signature = readManifests().get('slow-release')?.signature;
  if (!signature) throw new Error('slow-release has no manifest');
  // Every one of these rides would show it; a machine that stands still makes one or another slow.
  expect(await countSignature(observatory.url, signature, since)).toBeLessThan(ridesToBeSure / 2);
});
