import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Breakdown, Compare } from '../contract/contract.ts';
import { recordedRides } from './fixtures/recorded-rides.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

const baseEpochMs = 1_795_000_000_000;
const fixedMs = baseEpochMs + 3_600_000;
const bug = recordedRides('bug', baseEpochMs);
const fixed = recordedRides('fixed', fixedMs);
let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  await store.storeTraces(bug.request);
  await store.storeTraces(fixed.request);
  await store.settle();
  api = await serveApi(store.database, { now: () => fixedMs + 600_000 });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

const rangeOf = (epochMs: number): string => `from=${epochMs}&to=${epochMs + 600_000}`;
/** Above the fast band, which ends at about 1.2 s. */
const slowMs = 1600;

describe('in recorded HotROD traffic', () => {
  it('the two slow customers come first', async () => {
    const compare = await api.get<Compare>(`/api/compare?${rangeOf(baseEpochMs)}&minMs=${slowMs}`);
    expect(compare.selected + compare.baseline).toBe(bug.rides);
    expect(compare.selected / bug.rides).toBeGreaterThan(0.05);
    const [first] = compare.attributes;
    expect(first).toMatchObject({ key: 'hotrod.customer.name', significant: true });
    expect(first?.same).toContain('hotrod.customer.location');
    expect(
      first?.values
        .slice(0, 2)
        .map(({ value }) => value)
        .toSorted(),
    ).toEqual(['Bicycles Green', 'Value Walking']);
    const keys = compare.attributes.filter(({ significant }) => significant).flatMap(({ key, same }) => [key, ...same]);
    // Three rides were cut off before their customer's name was known: the id splits almost, not quite, like the name.
    expect(keys).toContain('hotrod.customer.id');
    expect(keys.filter((key) => !/^hotrod\.customer|^url/.test(key))).toEqual([]);
  });

  it('their statement is one click further', async () => {
    const slow = encodeURIComponent(`duration > ${slowMs}ms`);
    const breakdown = await api.get<Breakdown>(
      `/api/breakdown?${rangeOf(baseEpochMs)}&by=trace.slowest_statement&filter=${slow}`,
    );
    expect(breakdown.totalGroups).toBe(1);
    const of = async (customer: string): Promise<number> => {
      const filter = encodeURIComponent(`${breakdown.groups[0]?.filter} and ${customer}`);
      return (await api.get<Breakdown>(`/api/breakdown?${rangeOf(baseEpochMs)}&by=name&filter=${filter}`)).total;
    };
    expect(await of('hotrod.customer.name in ("Value Walking", "Bicycles Green")')).toBeGreaterThan(10);
    expect(await of('hotrod.customer.name !in ("Value Walking", "Bicycles Green")')).toBe(0);
  });

  it('nothing is found once the bug is fixed', async () => {
    const same = await api.get<Compare>(`/api/compare?${rangeOf(fixedMs)}&minMs=${slowMs}`);
    expect(same.selected / fixed.rides).toBeLessThan(0.02);
    expect(same.attributes.filter(({ significant }) => significant)).toEqual([]);
    // Nor does the slowest tenth lead to a customer.
    const slowest = fixed.durationsMs.toSorted((a, b) => b - a)[Math.floor(fixed.rides / 10)] ?? 0;
    const tenth = await api.get<Compare>(`/api/compare?${rangeOf(fixedMs)}&minMs=${slowest}`);
    const found = tenth.attributes
      .filter(({ significant }) => significant)
      .flatMap(({ key, same: others }) => [key, ...others]);
    expect(found.filter((key) => key.startsWith('hotrod.customer'))).toEqual([]);
  });
});
