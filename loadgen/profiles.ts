/**
 * How much load, and when: data for both the built-in driver and the k6 scripts, so nothing here may need Node.
 *
 * A stage runs in a straight line from where the last one ended (at first: 0) to its own target, as k6's do; one of 0
 * seconds jumps there.
 */

export interface Stage {
  target: number;
  seconds: number;
}

export interface Profile {
  name: string;
  /** One line for `--help`. */
  meaning: string;
  /**
   * What the targets count: `users` who order, wait for the answer, think and order again (a closed model), or
   * dispatches per second that come whether or not earlier ones were answered (an open one).
   */
  unit: 'users' | 'dispatches per second';
  stages: readonly Stage[];
  /** Begins anew at its end. */
  repeats: boolean;
}

/** How long a user thinks between two orders: evenly spread, in seconds. */
export const thinkSeconds = { min: 0, max: 2 } as const;

/** What a dispatch takes on average under the webinar's weights, in seconds: 90.6 % of 0.8 s and 9.4 % of 2.4 s. */
export const meanDispatchSeconds = 0.95;

/**
 * Dispatches per second of one user: one in each mean dispatch and mean think time, 1 / (0.95 s + 1 s) = 0.51/s. The
 * built-in driver, which knows no users, turns users into dispatches per second by it. So 7 users are 3.6/s. That rate
 * stays the same when the answers get slower, while k6's users would then order less.
 */
export const dispatchesPerUserSecond = 1 / (meanDispatchSeconds + (thinkSeconds.min + thinkSeconds.max) / 2);

/** What a run must hold to pass. */
export const thresholds = {
  /** Of all dispatches, those that fail, as a share. */
  maxFailedShare: 0.01,
  /** 95th percentile of the customers without the planted bug, in milliseconds. */
  maxNormalP95Ms: 1200,
} as const;

/** The load of `npm start` without a profile, in dispatches per second. */
export const defaultRate = 5;

const minutes = 60;

export const profiles = {
  webinar: {
    name: 'webinar',
    meaning: 'the load of the webinar: 3 to 9 users for 36 minutes, over and over',
    unit: 'users',
    stages: [
      { target: 3, seconds: 0 },
      { target: 5, seconds: 20 },
      { target: 9, seconds: 10 },
      { target: 7, seconds: 4 * minutes },
      { target: 5, seconds: 15 * minutes },
      { target: 8, seconds: 10 },
      { target: 7, seconds: 6 * minutes },
      { target: 5, seconds: 10 * minutes },
      { target: 3, seconds: 20 },
    ],
    repeats: true,
  },
  steady: {
    name: 'steady',
    meaning: '5 dispatches per second until stopped',
    unit: 'dispatches per second',
    stages: [
      { target: defaultRate, seconds: 0 },
      { target: defaultRate, seconds: 10 * minutes },
    ],
    repeats: true,
  },
  spike: {
    name: 'spike',
    meaning: '2 dispatches per second, 9 for half a minute, 2 again; 2 minutes',
    unit: 'dispatches per second',
    stages: [
      { target: 2, seconds: 0 },
      { target: 2, seconds: 30 },
      // The route workers of the frontend bear about 10/s. Dispatches beyond that queue, and no threshold holds.
      { target: 9, seconds: 5 },
      { target: 9, seconds: 30 },
      { target: 2, seconds: 5 },
      { target: 2, seconds: 50 },
    ],
    repeats: false,
  },
  soak: {
    name: 'soak',
    meaning: '5 dispatches per second for 2 hours: what leaks shows',
    unit: 'dispatches per second',
    stages: [
      { target: 5, seconds: 1 * minutes },
      { target: 5, seconds: 119 * minutes },
    ],
    repeats: false,
  },
  demo: {
    name: 'demo',
    meaning: '6 dispatches per second for 1 minute: enough to see both bands',
    unit: 'dispatches per second',
    stages: [
      { target: 6, seconds: 5 },
      { target: 6, seconds: 50 },
      { target: 0, seconds: 5 },
    ],
    repeats: false,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(profiles, name);
}

/** The stages of a profile in dispatches per second, whatever it counts in. */
export function rateStages(profile: Profile): Stage[] {
  const factor = profile.unit === 'users' ? dispatchesPerUserSecond : 1;
  return profile.stages.map(({ target, seconds }) => ({ target: target * factor, seconds }));
}

/** How many users a profile stands for at its height: as many client ids as there ever are at once. */
export function userCount(profile: Profile): number {
  const height = Math.max(...profile.stages.map((stage) => stage.target));
  return Math.max(1, Math.ceil(profile.unit === 'users' ? height : height / dispatchesPerUserSecond));
}
