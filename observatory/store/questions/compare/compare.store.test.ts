import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otlpJson, type SpanSketch } from '../../../api/fixtures/otlp-json.ts';
import { openTestStore, type TestStore } from '../../../api/fixtures/test-store.ts';
import { askCompare } from './compare.ts';
import { traffic } from '../../fixtures/hotrod-traffic.ts';
import type { Box } from '../population.ts';

const baseEpochMs = 1_795_000_000_000;
/** Each run of traffic has an hour of its own in one store. */
const hourMs = 3_600_000;

interface Run {
  seed: number;
  rides: number;
  bug: boolean;
}
const runs: Run[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed) => ({ seed, rides: 200, bug: true })),
  ...[11, 12, 13].map((seed) => ({ seed, rides: 2000, bug: true })),
  ...[21, 22, 23].map((seed) => ({ seed, rides: 2000, bug: false })),
];

function addressOf(run: Run, index: number): { 'client.address'?: string } {
  const left = run === runs.at(-1) ? run.rides - index : Infinity;
  if (left <= 5) return {};
  return { 'client.address': left <= 20 ? 'east' : 'west' };
}

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
  const { traces } = otlpJson(baseEpochMs, {
    frontend: { 'deployment.environment.name': 'test', 'process.pid': 4711 },
    page: { 'user_agent.original': 'Firefox', zone: 'eu' },
  });
  const loads = Array.from({ length: 60 }, (_, index): SpanSketch => {
    const slow = index % 3 === 0;
    return {
      trace: `ff${index.toString(16).padStart(6, '0')}`,
      id: `ff${index.toString(16).padStart(6, '0')}`,
      service: 'page',
      name: 'load',
      kind: 'server',
      atMs: runs.length * hourMs + index * 100,
      durationMs: slow ? 900 : 90,
      attributes: slow ? { 'user_agent.original': 'k6', zone: 'us' } : {},
    };
  });
  await store.storeTraces(traces(loads));
  for (const [place, run] of runs.entries()) {
    const spans = traffic(run.seed, run.rides, run.bug).map((row, index): SpanSketch => ({
      trace: `${place + 1}${index.toString(16).padStart(6, '0')}`,
      id: `${place + 1}${index.toString(16).padStart(6, '0')}`,
      service: 'frontend',
      name: 'GET /dispatch',
      kind: 'server',
      atMs: place * hourMs + index * 100,
      durationMs: row.durationMs,
      error: row.error,
      attributes: {
        // Of very many values, and some rides have none.
        ...Object.fromEntries(
          Object.entries(row.attributes).filter(([key]) => key !== 'hotrod.driver.id' || index % 10 !== 3),
        ),
        // Hardly any ride has it, and those come last.
        ...(run === runs.at(-1) && index >= run.rides - 20 ? { 'db.operation.name': 'SELECT' } : {}),
        // Nearly all rides have the same; of the last ones some have another, and some none.
        ...addressOf(run, index),
        'sent.at': baseEpochMs + place * hourMs + index * 100,
        // Nearly an id, but for one value that comes late and is slow.
        'user.id': run.bug && index > run.rides * 0.7 && row.durationMs >= 1800 ? 'user-late' : `user-${index}`,
      },
    }));
    await store.storeTraces(traces(spans));
  }
  await store.settle();
});
afterAll(() => store.close());

function compareRun(place: number, box: Box, large?: number, hours = 1) {
  const fromMs = baseEpochMs + place * hourMs;
  const about = { fromMs, toMs: fromMs + hours * hourMs, scope: 'roots', filter: undefined } as const;
  return askCompare({ reader: store.database.reader }, about, box, 40, large);
}

describe('compare over stored traffic', () => {
  it.each(runs.map((run, place) => ({ ...run, place })).filter(({ bug }) => bug))(
    'puts the two slow customers first: seed $seed, $rides rides',
    async ({ place, rides }) => {
      const compare = await compareRun(place, { minMs: 1800 });
      expect(compare.selected + compare.baseline).toBe(rides);
      const [first] = compare.attributes;
      expect(first?.key).toBe('hotrod.customer.name');
      expect(first?.same.toSorted()).toEqual(['hotrod.customer.id', 'url.full', 'url.query']);
      expect(
        first?.values
          .slice(0, 2)
          .map(({ value }) => value)
          .toSorted(),
      ).toEqual(['Bicycles Green', 'Value Walking']);
      expect(first?.values).toHaveLength(9);
      expect(first?.values[8]?.other).toBe((first?.distinct ?? 0) - 8);
    },
    30_000,
  );

  it('tells significant findings alone where the bug is', async () => {
    for (const [place, run] of runs.entries()) {
      if (run.rides < 2000) continue;
      // Without the bug nothing is slow: any stretch of time stands for a selection.
      const box = run.bug ? { minMs: 1800 } : { toMs: baseEpochMs + place * hourMs + 20_000 };
      const compare = await compareRun(place, box);
      const found = compare.attributes.filter(({ significant }) => significant).map(({ key }) => key);
      // The map shows where customers live, so their place tells them too.
      const expected = ['hotrod.customer.name', 'hotrod.customer.location.x', 'hotrod.customer.location.y', 'user.id'];
      expect([run.seed, found]).toEqual([run.seed, run.bug ? expected : []]);
    }
  });

  it('leaves out what was brushed, durations, ids and timestamps, and says why', async () => {
    const { excluded } = await compareRun(runs.length - 1, { minMs: 900 });
    const reasons = Object.fromEntries(excluded.map(({ key, reason }) => [key, reason]));
    expect(reasons).toMatchObject({
      duration: 'the selection was made by it',
      'hotrod.phase.customer.duration': 'a duration, and the selection was made by duration',
      'trace.service_ms.frontend': 'a duration, and the selection was made by duration',
      'hotrod.request.id': 'an id: every span has its own',
    });
    expect(Object.keys(reasons)).not.toContain('start');
  });

  it('takes attributes that the span lacks from the resource, hot ones too', async () => {
    for (const large of [undefined, 10]) {
      const { attributes } = await compareRun(runs.length, { minMs: 500 }, large);
      const found = attributes.find(({ key, same }) => [key, ...same].includes('zone'));
      expect([found?.key ?? '', ...(found?.same ?? [])].toSorted()).toEqual(['user_agent.original', 'zone']);
      expect(new Map(found?.values.map(({ value, selected, baseline }) => [value, [selected, baseline]]))).toEqual(
        found?.key === 'zone'
          ? new Map([
              ['us', [20, 0]],
              ['eu', [0, 40]],
            ])
          : new Map([
              ['k6', [20, 0]],
              ['Firefox', [0, 40]],
            ]),
      );
    }
  });

  it('compares durations where time was brushed', async () => {
    const place = runs.length - 1;
    const compare = await compareRun(place, { toMs: baseEpochMs + place * hourMs + 20_000 });
    const keys = compare.attributes.flatMap(({ key, same }) => [key, ...same]);
    expect(keys).toContain('hotrod.phase.customer.duration');
    expect(compare.excluded).toContainEqual({ key: 'start', reason: 'the selection was made by it' });
  });

  it('puts numbers of many values into bins of like size, and few values into categories', async () => {
    const compare = await compareRun(8, { minMs: 1800 });
    const of = (key: string) =>
      compare.attributes.find((attribute) => [attribute.key, ...attribute.same].includes(key));
    const eta = of('hotrod.ride.eta');
    expect(eta?.kind).toBe('bins');
    expect(eta?.values.length).toBeGreaterThanOrEqual(10);
    expect(eta?.values.length).toBeLessThanOrEqual(13);
    for (const { selected, baseline } of eta?.values ?? []) expect(selected + baseline).toBeLessThan(2000 / 6);
    expect(of('hotrod.driver.read.failures')?.kind).toBe('categories');
    expect(of('hotrod.customer.id')?.kind).toBe('categories');
  });

  it('counts a large population as it counts a small one', async () => {
    for (const box of [{ minMs: 1800 }, { toMs: baseEpochMs + 8 * hourMs + 20_000 }]) {
      const small = await compareRun(8, box);
      const large = await compareRun(8, box, 1);
      expect([large.selected, large.baseline]).toEqual([small.selected, small.baseline]);
      const told = ({ attributes }: typeof small) =>
        Object.fromEntries(
          attributes
            .filter(({ kind }) => kind === 'categories')
            .map(({ key, same, score, significant, values }) => [key, { same, score, significant, values }]),
        );
      const [one, other] = [told(small), told(large)];
      // Of an attribute of very many values only those that are evidence are told one by one.
      for (const key of ['user.id', 'hotrod.driver.id']) {
        expect(other[key]?.score ?? 0).toBeCloseTo(one[key]?.score ?? 0, 10);
        delete one[key];
        delete other[key];
      }
      expect(other).toEqual(one);
      const bins = ({ attributes }: typeof small) =>
        attributes
          .filter(({ kind }) => kind === 'bins')
          .map(({ key }) => key)
          .toSorted();
      expect(bins(large)).toEqual(bins(small));
      for (const attribute of large.attributes) {
        const sum = attribute.values.reduce((all, value) => all + value.selected + value.baseline, 0);
        expect([attribute.key, sum]).toEqual([attribute.key, 2000]);
      }
    }
  });

  it('counts what hardly any span has, and none of the sample', async () => {
    for (const large of [1, undefined]) {
      const compare = await compareRun(0, { minMs: 1800 }, large, runs.length);
      const rare = compare.attributes.find(({ key }) => key === 'db.operation.name');
      const [value] = rare?.values.filter((told) => told.value === 'SELECT') ?? [];
      expect([rare?.distinct, (value?.selected ?? 0) + (value?.baseline ?? 0)]).toEqual([1, 20]);
    }
  });

  it('counts the usual value of nearly all spans exactly, those with another value, and those without one', async () => {
    const place = runs.length - 1;
    const about = { toMs: baseEpochMs + place * hourMs + 199_000 };
    const told = [];
    for (const large of [1, undefined]) {
      const compare = await compareRun(0, about, large, runs.length);
      const address = compare.attributes.find(({ key, same }) => [key, ...same].includes('client.address'));
      const counts = Object.fromEntries(
        (address?.values ?? []).map(({ value, selected, baseline }) => [value, { selected, baseline }]),
      );
      expect(counts).toEqual({
        west: { selected: compare.selected - 10, baseline: 0 },
        east: { selected: 10, baseline: 5 },
        null: { selected: 0, baseline: 5 },
      });
      const others = compare.attributes.filter(({ key }) => ['error', 'status', 'trace.span_count'].includes(key));
      told.push(others.map(({ key, values }) => ({ key, values })));
    }
    expect(told[0]).toEqual(told[1]);
    expect(told[0]).not.toEqual([]);
  });

  it('counts each bin of a large population exactly', async () => {
    const run = runs[8] as Run;
    const rides = traffic(run.seed, run.rides, run.bug);
    const { attributes } = await compareRun(8, { minMs: 1800 }, 1);
    const eta = attributes.find(({ key }) => key === 'hotrod.ride.eta');
    expect(eta?.kind).toBe('bins');
    for (const { low = -Infinity, high = Infinity, selected, baseline } of eta?.values ?? []) {
      const within = rides.filter(
        ({ attributes: { 'hotrod.ride.eta': value } }) => Number(value) >= low && Number(value) < high,
      );
      const slow = within.filter(({ durationMs }) => durationMs >= 1800);
      expect([low, selected, baseline]).toEqual([low, slow.length, within.length - slow.length]);
    }
  });

  it('finds the one frequent value among very many, wherever it comes in time', async () => {
    for (const large of [1, undefined]) {
      const compare = await compareRun(8, { minMs: 1800 }, large);
      const user = compare.attributes.find(({ key }) => key === 'user.id');
      expect(user?.significant).toBe(true);
      expect(user?.values[0]).toMatchObject({ value: 'user-late', baseline: 0 });
      expect(user?.values[0]?.selected).toBeGreaterThan(30);
    }
  });

  it('answers an empty store, an empty selection and an empty baseline', async () => {
    expect(await compareRun(1000, { minMs: 1 })).toMatchObject({ selected: 0, baseline: 0, attributes: [] });
    for (const box of [{ minMs: 1e6 }, {}]) {
      const { attributes } = await compareRun(0, box);
      expect(attributes.length).toBeGreaterThan(10);
      expect(attributes.every(({ score, significant }) => score === 0 && !significant)).toBe(true);
    }
  });
});
