import {
  defaultRate,
  dispatchesPerUserSecond,
  isProfileName,
  type Profile,
  profiles,
  type Stage,
  thresholds,
  userCount,
} from '../profiles.ts';

/** What k6 takes from a script's `options`, as far as we use it. */
export interface K6Options {
  scenarios: Record<string, K6Scenario>;
  thresholds: Record<string, string[]>;
  userAgent: string;
}

interface K6Stage {
  target: number;
  duration: string;
}
export type K6Scenario =
  | { executor: 'ramping-vus'; startVUs: number; stages: K6Stage[]; gracefulStop: string; gracefulRampDown: string }
  | {
      executor: 'ramping-arrival-rate';
      startRate: number;
      timeUnit: string;
      stages: K6Stage[];
      preAllocatedVUs: number;
      maxVUs: number;
      gracefulStop: string;
    };

/** k6 knows no endless plan: one that repeats is laid out for this long, in seconds; whoever runs k6 starts it again. */
const daySeconds = 24 * 60 * 60;

/** The open model uses no more virtual users than these, like the built-in driver's `maxInFlight`. */
const maxUsers = 500;

/** k6's arrival rates are whole numbers: counted per minute, they keep two decimals of a rate per second. */
const rateUnit = { text: '1m', seconds: 60 };

/**
 * The options of a k6 run.
 *
 * @param env `PROFILE`, `RATE`, `PROFILE_SECONDS` and `NORMAL_P95_MS`, as `k6.ts` explains them.
 * @returns the options, and whether a user thinks between two orders.
 * @throws an error that names the variable and what it takes.
 */
export function k6Options(env: Readonly<Record<string, string | undefined>>): { options: K6Options; thinks: boolean } {
  const profile = chosenProfile(env);
  const seconds = positive('PROFILE_SECONDS', env['PROFILE_SECONDS']);
  const stages = seconds === undefined ? laidOut(profile) : squeezed(profile.stages, seconds);
  const thinks = profile.unit === 'users';
  const normalP95Ms = positive('NORMAL_P95_MS', env['NORMAL_P95_MS']) ?? thresholds.maxNormalP95Ms;
  const scenarios = { [profile.name]: scenario(profile, stages) };
  return { options: { scenarios, ...held(profile, stages, normalP95Ms) }, thinks };
}

function chosenProfile(env: Readonly<Record<string, string | undefined>>): Profile {
  const rate = positive('RATE', env['RATE']);
  if (rate !== undefined) {
    const stages = [
      { target: rate, seconds: 0 },
      { target: rate, seconds: daySeconds },
    ];
    return { ...profiles.steady, stages };
  }
  const name = env['PROFILE'] || 'webinar';
  if (!isProfileName(name)) throw new Error(`PROFILE is "${name}"; it is one of ${Object.keys(profiles).join(', ')}.`);
  return profiles[name];
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} is "${text}"; it is a number above 0.`);
  return value;
}

function totalSeconds(stages: readonly Stage[]): number {
  return stages.reduce((sum, stage) => sum + stage.seconds, 0);
}

function laidOut({ stages, repeats }: Profile): readonly Stage[] {
  if (!repeats) return stages;
  const rounds = Math.max(1, Math.floor(daySeconds / totalSeconds(stages)));
  return Array.from({ length: rounds }, () => stages).flat();
}

function squeezed(stages: readonly Stage[], seconds: number): readonly Stage[] {
  const factor = seconds / totalSeconds(stages);
  return stages.map((stage) => ({ target: stage.target, seconds: stage.seconds * factor }));
}

function scenario(profile: Profile, stages: readonly Stage[]): K6Scenario {
  const factor = profile.unit === 'users' ? 1 : rateUnit.seconds;
  const common = {
    stages: stages.map(({ target, seconds }) => ({
      target: Math.round(target * factor),
      duration: `${Math.round(seconds * 1000)}ms`,
    })),
    gracefulStop: '10s',
  };
  if (profile.unit === 'users') {
    return { executor: 'ramping-vus', startVUs: 0, gracefulRampDown: '10s', ...common };
  }
  return {
    executor: 'ramping-arrival-rate',
    startRate: 0,
    timeUnit: rateUnit.text,
    preAllocatedVUs: userCount(profile),
    maxVUs: maxUsers,
    ...common,
  };
}

/** The thresholds of `profiles.ts` in k6's words. */
function held(
  profile: Profile,
  stages: readonly Stage[],
  normalP95Ms: number,
): Pick<K6Options, 'thresholds' | 'userAgent'> {
  // A dispatch that was due and found no free user has failed, as with the built-in driver.
  const drops = Math.max(1, Math.ceil(dueDispatches(profile, stages) * thresholds.maxFailedShare));
  return {
    thresholds: {
      http_req_failed: [`rate<${thresholds.maxFailedShare}`],
      checks: [`rate>${1 - thresholds.maxFailedShare}`],
      'http_req_duration{customer:normal}': [`p(95)<${normalP95Ms}`],
      // Always holds. It is there because k6 only sums up what a threshold names, and readers want to see the slow band.
      'http_req_duration{customer:slow}': ['max>=0'],
      ...(profile.unit === 'users' ? {} : { dropped_iterations: [`count<${drops}`] }),
    },
    userAgent: 'hotrod-loadgen (k6)',
  };
}

/** How many dispatches a plan asks for: the area under its line. */
function dueDispatches(profile: Profile, stages: readonly Stage[]): number {
  const factor = profile.unit === 'users' ? dispatchesPerUserSecond : 1;
  let from = 0;
  let due = 0;
  for (const { target, seconds } of stages) {
    due += ((from + target) / 2) * seconds * factor;
    from = target;
  }
  return Math.max(due, defaultRate);
}
