import { setTimeout as sleep } from 'node:timers/promises';

import { listRuns, readLog, readRun, type RunRecord } from '@hotrod/pipeline/runner/record';
import { join } from 'node:path';

import { askReleased, askStatus, setRate } from '../control.ts';
import { Refusal } from '../refusal.ts';
import type { Environment } from '../releases/git.ts';
import type { Narrator } from './narrator.ts';
import { createObservatory, dispatches, type Difference, type Range } from './observatory.ts';
import { cloneProduction, type ScratchClone } from './scratch-clone.ts';

/** Something that should have happened, and did not. */
export class StoryFailure extends Error {
  override readonly name = 'StoryFailure';
}

/** With fewer dispatches a second than this, the story takes too long. */
const leastRate = 5;
const warmUpDispatches = 30;
/** How far back to look for the band, in milliseconds: before that, a busy machine may have been slow for everybody. */
const lookBackMs = 3 * 60_000;
/** How many dispatches are enough to show the band. */
const enoughDispatches = 150;
/** How many rides of the customers that were slow are enough to show that they are not slow any more. */
const enoughOfTheSlow = 20;
/** A dispatch that takes so many times the median belongs to the slow band. */
const slowTimesMedian = 1.7;
/** The band is gone when 95 % of them take no longer than so many times what 95 % of the others take. */
const levelTimes = 1.4;
/** How long to wait for things that need enough data, in milliseconds: a busy machine takes its time. */
const patienceMs = 15 * 60_000;
const pollMs = 1_000;

/**
 * Plays the whole story on a suite that runs, and rejects if a part of it does not happen.
 *
 * It asks the suite and the Observatory for everything that it tells. It knows no customer, duration or verdict before.
 */
export async function playStory(options: { dataDir: string; env: Environment; narrator: Narrator }): Promise<void> {
  const { dataDir, env, narrator } = options;
  const status = await askStatus(dataDir);
  const observatoryUrl = status.processes.find(({ name }) => name === 'observatory')?.url;
  if (observatoryUrl === undefined)
    throw new Refusal('This HotROD runs without the Observatory, which the story needs.');
  const observatory = createObservatory(observatoryUrl);
  const { revision } = await askReleased(dataDir);
  if (revision === null)
    throw new Refusal('This HotROD takes no push, which the story needs: it was started without git.');
  const clone = await cloneProduction(dataDir, revision, env);
  const beganMs = Date.now();
  const earlierRate = status.load?.ratePerSecond ?? 0;

  try {
    await narrator.part('Rides are ordered');
    if (earlierRate < leastRate) await setRate(dataDir, leastRate);
    narrator.say(`${Math.max(earlierRate, leastRate)} dispatches a second, as 32 customers order them.`);
    narrator.look('Order one yourself', status.processes.find(({ name }) => name === 'frontend')?.url ?? '');
    // The first rides of new processes are slow for everybody.
    await until(narrator, async () => {
      const { count } = await observatory.durations({ fromMs: beganMs, toMs: Date.now() });
      return count >= warmUpDispatches ? true : `${count} of the first ${warmUpDispatches} dispatches seen`;
    });
    const warmMs = Date.now();

    await narrator.part('Some are slow');
    let before: Range = { fromMs: warmMs, toMs: warmMs };
    let slowMs = 0;
    let difference: Difference = { attribute: '', values: [], selected: 0 };
    let count = 0;
    const look = async () => {
      before = { fromMs: Math.max(warmMs, Date.now() - lookBackMs), toMs: Date.now() };
      const all = await observatory.durations(before);
      count = all.count;
      if (count < enoughDispatches) return `${count} of ${enoughDispatches} dispatches seen`;
      slowMs = Math.round(all.p50Ms * slowTimesMedian);
      difference = (await observatory.compare(before, slowMs)) ?? difference;
      const seen = `${difference.selected} of ${count} dispatches take more than ${seconds(slowMs)}`;
      if (difference.values.length === 2) return true;
      return `${seen}: nothing stands out yet`;
    };
    await until(narrator, look).catch((error: unknown) => {
      if (!(error instanceof StoryFailure)) throw error;
      throw new StoryFailure(`${error.message} Is the bug repaired already? "npm run demo:reset" brings it back.`);
    });
    narrator.say(
      `${difference.selected} of ${count} dispatches take more than ${seconds(slowMs)}, ${slowTimesMedian} times the median.`,
    );
    narrator.look('The two bands', observatory.link(before, dispatches));
    narrator.proof(`there is a slow band: ${Math.round((100 * difference.selected) / count)} % of all dispatches`);

    await narrator.part('What is different about them?');
    const names = difference.values.map(({ value }) => value);
    for (const { value, selected, baseline } of difference.values)
      narrator.say(
        `${difference.attribute} = ${value}: ${selected} of the ${difference.selected} slow ones, ${baseline} of the others`,
      );
    narrator.look('A box over the band', observatory.link(before, dispatches, slowMs));
    narrator.proof(`compare names them: ${names.join(' and ')}`);
    const statement = await observatory.statement(before, slowMs);
    if (!statement) throw new StoryFailure('No slow dispatch has an SQL statement in its trace.');
    narrator.say(
      `In one of their traces a single statement takes ${seconds(statement.durationMs)} of ${seconds(statement.dispatchMs)}:`,
    );
    narrator.quote(statement.text.replaceAll(/\s+/g, ' ').slice(0, 160));
    narrator.look('That trace', statement.traceUrl);

    await narrator.part('A developer repairs one line, and pushes');
    const factor = clone.factor();
    const fix = await clone.commitFactor(1, 'Let all customers wait the same');
    showCommit(narrator, fix);
    const fixed = await pushAndWatch(narrator, clone, dataDir, fix.revision);
    if (fixed.verdict !== 'success')
      throw new StoryFailure(`The pipeline of the repair did not pass: ${fixed.reason ?? fixed.verdict}.`);
    await seeMarker(narrator, observatory, beganMs, fixed);
    expectVerdict(narrator, dataDir, fixed, 'better');

    await narrator.part('The band is gone');
    const fixedVersion = await customerRelease(dataDir);
    const slow = await seeLevel(narrator, observatory, difference, fixedVersion, fixed.startedAtMs);
    narrator.look('Before and after', observatory.link({ fromMs: beganMs, toMs: Date.now() }, dispatches));
    narrator.proof(`95 % of the rides of ${names.join(' and ')} take ${seconds(slow.p95Ms)}, as everybody's do`);

    await narrator.part('The bug comes back');
    const bug = await clone.commitFactor(factor, 'Let some customers wait longer');
    showCommit(narrator, bug);
    const broken = await pushAndWatch(narrator, clone, dataDir, bug.revision);
    if (broken.verdict === 'success') throw new StoryFailure('The pipeline passed although the bug was back.');
    expectVerdict(narrator, dataDir, broken, 'worse');

    await narrator.part('It is taken back by itself');
    const now = await customerRelease(dataDir);
    if (now !== fixedVersion)
      throw new StoryFailure(`The customer service runs ${now} after the rollback, not ${fixedVersion}.`);
    narrator.proof(`the build is red, and the customer service runs ${fixedVersion} again`);
    const again = await seeLevel(narrator, observatory, difference, fixedVersion, broken.endedAtMs ?? Date.now());
    narrator.proof(`95 % of the rides of ${names.join(' and ')} take ${seconds(again.p95Ms)} again`);
    narrator.look('The whole story', observatory.link({ fromMs: beganMs, toMs: Date.now() }, dispatches));
  } finally {
    clone.remove();
    if (earlierRate < leastRate) await setRate(dataDir, earlierRate).catch(() => {});
  }
}

/** Looks again and again until it is so. @throws {StoryFailure} after a long time, with what was seen last. */
async function until(narrator: Narrator, look: () => Promise<true | string>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen === true) return;
    if (performance.now() > endMs)
      throw new StoryFailure(`This did not come within ${patienceMs / 60_000} minutes: ${seen}.`);
    narrator.waiting(seen);
    await sleep(pollMs);
  }
}

function showCommit(
  narrator: Narrator,
  { revision, before, after }: { revision: string; before: string; after: string },
) {
  narrator.say(`services/customer/config.ts, commit ${revision.slice(0, 7)}:`);
  narrator.quote(`- ${before}`);
  narrator.quote(`+ ${after}`);
  narrator.say('git push production main');
}

async function pushAndWatch(
  narrator: Narrator,
  clone: ScratchClone,
  dataDir: string,
  revision: string,
): Promise<RunRecord> {
  await clone.push((line) => narrator.quote(line.replace(/^remote: ?/, '')));
  const runs = join(dataDir, 'runs');
  const run = listRuns(runs)
    .map((id) => readRun(runs, id))
    .find((each) => each?.revision === revision);
  if (!run) throw new StoryFailure(`No pipeline has run for ${revision.slice(0, 7)}.`);
  if (run.url) narrator.look('The run', run.url);
  return run;
}

async function seeMarker(
  narrator: Narrator,
  observatory: ReturnType<typeof createObservatory>,
  fromMs: number,
  run: RunRecord,
): Promise<void> {
  const markers = await observatory.markers({ fromMs, toMs: Date.now() + 1_000 });
  const marker = markers.find(({ url }) => url === run.url);
  if (!marker) throw new StoryFailure('The release left no marker on the charts.');
  if (marker.endMs === null) throw new StoryFailure('The marker of the release was not closed.');
  narrator.proof(
    `a marker of ${seconds(marker.endMs - marker.startMs)} on every chart leads to that run: ${marker.message}`,
  );
}

/** The pipeline's own words: the log of its step `verify`. */
function expectVerdict(narrator: Narrator, dataDir: string, run: RunRecord, wanted: 'better' | 'worse'): void {
  const text = readLog(join(dataDir, 'runs'), run.id, 'verify.log')?.toString() ?? '';
  const said = text.split('\n').find((line) => /^(better|worse|same|inconclusive): /.test(line));
  if (!said?.startsWith(`${wanted}: `))
    throw new StoryFailure(`The verdict is not "${wanted}": ${said ?? 'there is none'}.`);
  narrator.proof(`the verdict is ${said}`);
}

async function customerRelease(dataDir: string): Promise<string> {
  return (await askReleased(dataDir)).services['customer']?.version ?? 'unknown';
}

/** Waits until the customers that were slow are no slower than all others, on a release. */
async function seeLevel(
  narrator: Narrator,
  observatory: ReturnType<typeof createObservatory>,
  { values }: Difference,
  version: string,
  fromMs: number,
) {
  const slow = values.map(({ filter }) => filter).join(' or ');
  const onRelease = `hotrod.release.customer = ${JSON.stringify(version)}`;
  let level = { count: 0, errors: 0, p50Ms: 0, p95Ms: 0 };
  await until(narrator, async () => {
    const range = { fromMs, toMs: Date.now() };
    const [those, others] = await Promise.all([
      observatory.durations(range, `${onRelease} and (${slow})`),
      observatory.durations(range, `${onRelease} and not (${slow})`),
    ]);
    level = those;
    if (those.count < enoughOfTheSlow) return `${those.count} of ${enoughOfTheSlow} of their rides seen on ${version}`;
    return those.p95Ms <= levelTimes * others.p95Ms
      ? true
      : `95 % of their rides take ${seconds(those.p95Ms)}, of the others ${seconds(others.p95Ms)}`;
  });
  return level;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;
}
