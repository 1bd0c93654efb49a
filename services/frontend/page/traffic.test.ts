import { describe, expect, it } from 'vitest';
import type { RideEvent } from './api.ts';
import { createTraffic, mostShown, pulseMs } from './traffic.ts';

const route = [
  { x: 1, y: 2 },
  { x: 3, y: 4 },
];

function create(own: readonly string[] = []) {
  const clock = { ms: 1_000_000 };
  return {
    clock,
    traffic: createTraffic(
      (requestId) => own.includes(requestId),
      () => clock.ms,
    ),
  };
}

const ordered = (id: string, more: Partial<RideEvent> = {}): RideEvent =>
  ({ kind: 'ordered', id, customerId: 123, ...more }) as RideEvent;
const dispatched = (id: string, more: Partial<Extract<RideEvent, { kind: 'dispatched' }>> = {}): RideEvent => ({
  kind: 'dispatched',
  id,
  customerId: 123,
  latencyMs: 800,
  traceId: 'a'.repeat(32),
  driverId: 'T70',
  etaSeconds: 50,
  route,
  ...more,
});
const failed = (id: string): RideEvent => ({
  kind: 'failed',
  id,
  customerId: 123,
  latencyMs: 5,
  traceId: null,
  code: 'overloaded',
});

describe('traffic', () => {
  it('draws a ride from its order until its car has arrived', () => {
    const { clock, traffic } = create();
    traffic.apply([ordered('a')]);
    expect(traffic.shown.value).toMatchObject([{ id: 'a', orderedAtMs: clock.ms, isOwn: false, end: undefined }]);
    clock.ms += 800;
    traffic.apply([dispatched('a')]);
    expect(traffic.shown.value).toMatchObject([
      { id: 'a', end: { atMs: clock.ms, latencyMs: 800, isSlow: false, result: { driverId: 'T70', driveMs: 5000 } } },
    ]);
    expect(traffic.last.value).toEqual(traffic.shown.value);
    clock.ms += 4_999;
    traffic.tick();
    expect(traffic.shown.value).toHaveLength(1);
    clock.ms += 1;
    traffic.tick();
    expect(traffic.shown.value).toEqual([]);
    expect(traffic.last.value).toHaveLength(1);
  });

  it('accepts events from before, also from another frontend', () => {
    const { clock, traffic } = create();
    traffic.apply([
      dispatched('old', { ageMs: 60_000 }),
      dispatched('a', { ageMs: 2_000 }),
      ordered('b', { ageMs: 300 }),
    ]);
    expect(traffic.shown.value).toMatchObject([
      { id: 'a', orderedAtMs: clock.ms - 2_800, end: { atMs: clock.ms - 2_000 } },
      { id: 'b', orderedAtMs: clock.ms - 300 },
    ]);
    expect(traffic.last.value.map(({ id }) => id)).toEqual(['a', 'old']);
    const before = [traffic.shown.value, traffic.last.value];
    traffic.apply([ordered('a', { ageMs: 5_000 }), dispatched('a', { ageMs: 5_000 }), ordered('old'), ordered('b')]);
    expect([traffic.shown.value, traffic.last.value]).toEqual(before);
  });

  it('forgets a ride whose answer never came', () => {
    const { clock, traffic } = create();
    traffic.apply([ordered('a')]);
    clock.ms += 20_000;
    traffic.tick();
    expect(traffic.shown.value).toEqual([]);
  });

  it('knows the rides that this page has ordered', () => {
    const { traffic } = create(['tab-1']);
    traffic.apply([ordered('a', { requestId: 'tab-1' }), ordered('b', { requestId: 'tab-2' }), ordered('c')]);
    expect(traffic.shown.value.map(({ isOwn }) => isOwn)).toEqual([true, false, false]);
  });

  it('calls a ride slow that takes twice as long as most, once it knows enough rides', () => {
    const { clock, traffic } = create();
    traffic.apply([dispatched('first', { latencyMs: 9_000 })]);
    expect(traffic.last.value[0]?.end.isSlow).toBe(false);
    traffic.apply(Array.from({ length: 10 }, (_, n) => dispatched(`n${n}`)));
    expect(traffic.slowFromMs.value).toBe(1_600);
    traffic.apply([dispatched('quick', { latencyMs: 1_599 }), dispatched('slow', { latencyMs: 1_600, etaSeconds: 1 })]);
    expect(traffic.last.value.slice(0, 2).map(({ id, end }) => [id, end.isSlow])).toEqual([
      ['slow', true],
      ['quick', false],
    ]);
    // The drive takes three seconds, but what is slow is shown for longer.
    clock.ms += pulseMs - 1;
    traffic.tick();
    expect(traffic.shown.value.map(({ id }) => id)).toContain('slow');
  });

  it('never calls an instant ride slow, and leaves failures out of the usual duration', () => {
    const { traffic } = create();
    traffic.apply(Array.from({ length: 20 }, (_, n) => failed(`f${n}`)));
    expect(traffic.slowFromMs.value).toBe(Infinity);
    traffic.apply(Array.from({ length: 10 }, (_, n) => dispatched(`n${n}`, { latencyMs: 10 })));
    expect(traffic.slowFromMs.value).toBe(300);
  });

  it('counts the rate of the last ten seconds, or of less when it knows less', () => {
    const { clock, traffic } = create();
    traffic.apply(Array.from({ length: 20 }, (_, n) => dispatched(`s${n}`, { ageMs: 200 * n })));
    expect(traffic.ratePerSecond.value).toBeCloseTo(20 / 3.8, 3);
    for (let n = 0; n < 100; n += 1) {
      clock.ms += 500;
      traffic.apply([dispatched(`l${n}`)]);
    }
    expect(traffic.ratePerSecond.value).toBeCloseTo(2, 3);
    clock.ms += 10_000;
    traffic.tick();
    expect(traffic.ratePerSecond.value).toBe(0);
  });

  it('bounds the number of rides that it draws', () => {
    const { traffic } = create();
    traffic.apply(Array.from({ length: 500 }, (_, n) => ordered(`r${n}`)));
    expect(traffic.shown.value).toHaveLength(mostShown);
    expect(traffic.shown.value.at(-1)?.id).toBe('r499');
  });
});
