import { expect, it } from 'vitest';

import { dispatchesPerUserSecond, profiles, rateStages, userCount } from './profiles.ts';

it('plays the recorded webinar for 36 minutes and 0 seconds', () => {
  const { stages } = profiles.webinar;
  expect(stages.reduce((sum, stage) => sum + stage.seconds, 0)).toBe(36 * 60);
  expect(stages.map((stage) => stage.target)).toEqual([3, 5, 9, 7, 5, 8, 7, 5, 3]);
});

it('turns users into dispatches per second: one each 1.95 s', () => {
  expect(dispatchesPerUserSecond).toBeCloseTo(1 / 1.95, 10);
  expect(rateStages(profiles.webinar)[2]).toEqual({ target: 9 / 1.95, seconds: 10 });
  expect(rateStages(profiles.steady)).toEqual([...profiles.steady.stages]);
});

it('has one client id for each user at the peak', () => {
  expect(userCount(profiles.webinar)).toBe(9);
  expect(userCount(profiles.steady)).toBe(10); // 5/s × 1.95 s
});

it('fits the demo into one minute and ends it', () => {
  expect(profiles.demo.stages.reduce((sum, stage) => sum + stage.seconds, 0)).toBe(60);
  expect(profiles.demo.repeats).toBe(false);
});
