/**
 * A set of flags in flagd's format, and what switching does to it. A flag that is DISABLED leaves a service as it was
 * configured; an ENABLED one answers with its default variant. Pure.
 */
import { z } from 'zod';

const flagSchema = z.looseObject({
  state: z.enum(['ENABLED', 'DISABLED']),
  variants: z.record(z.string(), z.number()),
  defaultVariant: z.string(),
  targeting: z.unknown().optional(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
export const flagSetSchema = z.looseObject({ flags: z.record(z.string(), flagSchema) });

export type FlagSet = z.infer<typeof flagSetSchema>;
type Flag = z.infer<typeof flagSchema>;

/** A switch that cannot be turned; the message says what there is. */
export class NoSuchFlagError extends Error {
  override readonly name = 'NoSuchFlagError';
}

/** How a flag stands: as configured (`default`), or on a variant. If `release` is given, for that release alone. */
export interface Standing {
  variant: string;
  release: string | null;
  mystery: boolean;
}

/** How a flag stands. */
export function standing({ state, defaultVariant, targeting, metadata }: Flag): Standing {
  const rule = releaseRule.safeParse(targeting);
  const mystery = metadata?.['mystery'] === true;
  if (state === 'DISABLED') return { variant: 'default', release: null, mystery };
  if (rule.success) return { variant: rule.data.if[1], release: rule.data.if[0]['=='][1], mystery };
  return { variant: defaultVariant, release: null, mystery };
}

const releaseRule = z.object({
  if: z.tuple([z.object({ '==': z.tuple([z.object({ var: z.literal('release') }), z.string()]) }), z.string()]),
});

/**
 * Switches one flag on.
 *
 * @param variant one of the flag's own; `on` unless told.
 * @param release only in processes of this `service.version`; null for all.
 * @throws {NoSuchFlagError}
 */
export function switchOn(
  set: FlagSet,
  key: string,
  { variant = 'on', release = null, mystery = false }: Partial<Standing> = {},
): FlagSet {
  const flag = flagOf(set, key);
  if (!Object.hasOwn(flag.variants, variant)) {
    throw new NoSuchFlagError(`${key} has no variant "${variant}". It has ${Object.keys(flag.variants).join(', ')}.`);
  }
  const plain = withoutSwitch(flag);
  return replace(set, key, {
    ...plain,
    state: 'ENABLED',
    ...(release === null
      ? { defaultVariant: variant }
      : { defaultVariant: 'off', targeting: { if: [{ '==': [{ var: 'release' }, release] }, variant] } }),
    ...(mystery ? { metadata: { mystery: true } } : {}),
  });
}

/** Switches one flag, or all, off. What the services are configured with is then off, too. */
export function switchOff(set: FlagSet, key?: string): FlagSet {
  return each(set, key, (flag) => ({ ...withoutSwitch(flag), state: 'ENABLED', defaultVariant: 'off' }));
}

/** Sets one flag, or all, back to what the services are configured with. */
export function switchToDefault(set: FlagSet, key?: string): FlagSet {
  return each(set, key, (flag) => ({ ...withoutSwitch(flag), state: 'DISABLED', defaultVariant: 'off' }));
}

/** Switches on one flag that nobody is told of, and all others to what is configured. @param random from 0 to below 1. */
export function drawMystery(set: FlagSet, candidates: readonly string[], random: number): FlagSet {
  const key = candidates[Math.floor(random * candidates.length)];
  if (key === undefined) throw new NoSuchFlagError('There is no fault to draw.');
  return switchOn(switchToDefault(set), key, { mystery: true });
}

/** The flag that was drawn as a mystery; null without one. */
export function mysteryOf(set: FlagSet): string | null {
  return Object.entries(set.flags).find(([, flag]) => standing(flag).mystery)?.[0] ?? null;
}

/** The flags of `shipped`. Each flag that `current` also has stands as it does there. */
export function carryOver(shipped: FlagSet, current: FlagSet): FlagSet {
  let set = shipped;
  for (const [key, flag] of Object.entries(current.flags)) {
    if (!Object.hasOwn(shipped.flags, key)) continue;
    const { variant, release, mystery } = standing(flag);
    if (variant === 'default') continue;
    if (Object.hasOwn(flagOf(shipped, key).variants, variant)) set = switchOn(set, key, { variant, release, mystery });
  }
  return set;
}

function flagOf(set: FlagSet, key: string): Flag {
  const flag = Object.hasOwn(set.flags, key) ? set.flags[key] : undefined;
  if (!flag) throw new NoSuchFlagError(`There is no fault "${key}". There are ${Object.keys(set.flags).join(', ')}.`);
  return flag;
}

function withoutSwitch({ targeting: _targeting, metadata: _metadata, ...flag }: Flag): Flag {
  return flag;
}

function each(set: FlagSet, key: string | undefined, change: (flag: Flag) => Flag): FlagSet {
  const keys = key === undefined ? Object.keys(set.flags) : [key];
  return keys.reduce((changed, name) => replace(changed, name, change(flagOf(changed, name))), set);
}

function replace(set: FlagSet, key: string, flag: Flag): FlagSet {
  return { ...set, flags: { ...set.flags, [key]: flag } };
}
