import { describe, expect, it } from 'vitest';

import { drawDelayMs, pause } from './delays.ts';
import { createSeededRandom } from './random.ts';

describe('drawDelayMs', () => {
  it('multiplies the whole distribution, not only its mean', () => {
    const delay = { meanMs: 400, deviationMs: 40 };
    const draw = (factor?: number) => {
      const random = createSeededRandom(9);
      return Array.from({ length: 50 }, () => drawDelayMs(random, delay, factor));
    };
    const normal = draw();
    expect(draw(1)).toEqual(normal);
    draw(5).forEach((value, index) => expect(value).toBeCloseTo((normal[index] ?? 0) * 5, 6));
  });

  it('is zero when the factor is zero', () => {
    expect(drawDelayMs(createSeededRandom(1), { meanMs: 400, deviationMs: 40 }, 0)).toBe(0);
  });
});

describe('pause', () => {
  it('waits for the drawn time', async () => {
    const start = performance.now();
    await pause(() => 0, { meanMs: 40, deviationMs: 0 });
    // Timers may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThanOrEqual(38);
  });

  it('does not yield to timers when the delay is zero', async () => {
    let ticked = false;
    const tick = setImmediate(() => (ticked = true));
    for (let round = 0; round < 100; round += 1) await pause(Math.random, { meanMs: 0, deviationMs: 0 });
    expect(ticked).toBe(false);
    clearImmediate(tick);
  });
});
