import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changed, defaultState, formatState, parseLast, parseState, type State } from './url-state.ts';

const read = (address: string): State => {
  const url = new URL(address, 'http://localhost');
  return parseState(url.pathname, url.search);
};

const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
const bound = fc.option(fc.integer({ min: 0, max: 10_000_000 }).map((units) => units / 1000));
const anyState: fc.Arbitrary<State> = fc.record({
  traceId: fc.option(fc.string({ minLength: 1 })),
  spanId: fc.option(fc.string({ minLength: 1 })),
  find: fc.string(),
  filter: fc.string(),
  scope: fc.constantFrom('roots' as const, 'spans' as const),
  last: fc.constantFrom('auto', '90s', '5m', '10m', '1h', '7d'),
  from: fc.constant(null),
  to: fc.constant(null),
  held: fc.boolean(),
  box: fc.option(fc.record({ fromMs: fc.option(instant), toMs: fc.option(instant), minMs: bound, maxMs: bound })),
  view: fc.constantFrom('compare', 'groups', 'traces', 'map', 'releases', 'slo'),
  chart: fc.constantFrom('heatmap', 'lines'),
  scale: fc.constantFrom('log', 'linear'),
  by: fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 2 }),
  sort: fc.constantFrom('count', 'errorRate', 'p50', 'p95', 'p99', 'max'),
  measure: fc.constantFrom('count', 'errorRate', 'p50', 'p95', 'p99', 'max'),
  groupsOf: fc.constantFrom('all', 'selection'),
  order: fc.constantFrom('newest', 'slowest'),
  lit: fc.string(),
});

describe('an address', () => {
  test('of the default state is the root', () => {
    expect(formatState(defaultState)).toBe('/');
    expect(read('/')).toEqual(defaultState);
  });

  test('of a state reads back as the same state, whatever the texts in it', () => {
    fc.assert(
      fc.property(anyState, fc.option(fc.tuple(instant, instant)), (drawn, range) => {
        const [a, b] = range ?? [0, 0];
        const fixed = a === b ? {} : { from: Math.min(a, b), to: Math.max(a, b) };
        const { box } = drawn;
        const empty = box !== null && Object.values(box).every((side) => side === null);
        const held = drawn.held && a !== b && box !== null && !empty;
        const state: State = { ...drawn, ...fixed, held, box: empty ? null : box };
        // A browser folds "." and ".." away, encoded or not; no trace is called so.
        fc.pre(!['.', '..'].includes(state.traceId ?? ''));
        expect(read(formatState(state))).toEqual(state);
      }),
    );
  });

  test('holds everything that is visible', () => {
    const state: State = {
      ...defaultState,
      filter: 'hotrod.customer.name = "Value Walking" and duration > 2s',
      box: { fromMs: 1000, toMs: 61_000, minMs: 1554.59753, maxMs: null },
      view: 'groups',
      by: ['hotrod.customer.name', 'service.version'],
    };
    expect(formatState(state)).toBe(
      '/?filter=hotrod.customer.name+%3D+%22Value+Walking%22+and+duration+%3E+2s&box=1000%2C61000%2C1554.59753%2C&view=groups&by=hotrod.customer.name&by=service.version',
    );
  });

  test('of a trace has its id in the path, as ride links do', () => {
    expect(read('/trace/4bf92f3577b34da6a3ce929d0e0e4736')).toEqual({
      ...defaultState,
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
  });

  test.each([
    ['/?view=nonsense&scope=all&scale=cubic&sort=x&measure=y&order=z&chart=pie'],
    ['/?last=fortnight&from=abc&to=1e9'],
    ['/?from=2000&to=1000'],
    ['/?from=1000'],
    ['/?held=true'],
    ['/?box=1,2,3'],
    ['/?box=,,,'],
    ['/?box=a,b,c,d'],
    ['/?box=-1,,-5,'],
    ['/somewhere/else'],
  ])('that makes no sense, %s, falls back to the default', (address) => {
    expect(read(address)).toEqual(defaultState);
  });

  test('groups by at most two attributes, each once', () => {
    expect(read('/?by=a&by=a&by=&by=b&by=c').by).toEqual(['a', 'b']);
  });
});

describe('a range held for a selection', () => {
  const box = { fromMs: null, toMs: null, minMs: 1500, maxMs: null };
  const held: State = { ...defaultState, from: 1000, to: 61_000, held: true, box };

  test('is live again once the selection is gone, however it goes', () => {
    expect(changed(held, { box: null })).toEqual(defaultState);
    expect(changed(held, { filter: 'error = true', box: null })).toEqual({ ...defaultState, filter: 'error = true' });
    expect(changed(held, { scope: 'spans', box: null })).toMatchObject({ from: null, to: null, held: false });
  });

  test('stays through all that leaves the selection, and through another selection', () => {
    expect(changed(held, { view: 'groups', by: ['a'] })).toMatchObject({ from: 1000, to: 61_000, held: true, box });
    expect(changed(held, { box: { ...box, minMs: 2000 } })).toMatchObject({ from: 1000, held: true });
    expect(read(formatState(held))).toEqual(held);
  });

  test('belongs to the user once they choose one', () => {
    const chosen = changed(held, { from: 2000, to: 3000 });
    expect(chosen).toMatchObject({ from: 2000, to: 3000, held: false, box });
    expect(changed(chosen, { box: null })).toMatchObject({ from: 2000, to: 3000, box: null });
    const live = changed(held, { from: null, to: null });
    expect(live).toEqual({ ...defaultState, box });
    expect(changed(changed(live, { from: 5000, to: 6000 }), { box: null })).toMatchObject({ from: 5000, to: 6000 });
  });
});

test('a length of time has a unit and an end', () => {
  expect(parseLast('90s')).toBe(90_000);
  expect(parseLast('10m')).toBe(600_000);
  expect(parseLast('7d')).toBe(604_800_000);
  for (const none of ['', '10', 'm', '0m', '-5m', '367d', '1.5h', '10 m']) expect(parseLast(none)).toBeNull();
});
