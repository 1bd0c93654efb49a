import { FlagdCore } from '@openfeature/flagd-core';
import { describe, expect, test } from 'vitest';

import {
  carryOver,
  drawMystery,
  type FlagSet,
  mysteryOf,
  NoSuchFlagError,
  standing,
  switchOff,
  switchOn,
  switchToDefault,
} from './flag-set.ts';

const flag = { state: 'DISABLED' as const, variants: { off: 0, on: 2, rare: 5 }, defaultVariant: 'off' };
const set: FlagSet = { flags: { slow: flag, broken: flag } };

/** What flagd's own evaluation answers, asked by a process of a release; 7 is what it is configured with. */
function valueOf(flags: FlagSet, key: string, release = '1.0.0+aaaaaaa'): number {
  const core = new FlagdCore();
  core.setConfigurations(JSON.stringify(flags));
  return core.resolveNumberEvaluation(key, 7, { release }).value;
}

describe('a switch', () => {
  test('leaves a flag that nobody switched to what is configured', () => expect(valueOf(set, 'slow')).toBe(7));

  test('switches one flag on and leaves the others', () => {
    const changed = switchOn(set, 'slow');
    expect([valueOf(changed, 'slow'), valueOf(changed, 'broken')]).toEqual([2, 7]);
  });

  test.each(['constructor', 'toString'])('refuses the variant %s, which every object has', (variant) => {
    expect(() => switchOn(set, 'slow', { variant })).toThrow(NoSuchFlagError);
  });

  test('leaves a flag out of an older file that no set of ours has', () => {
    const older = JSON.parse(`{"flags":{"constructor":${JSON.stringify({ ...flag, state: 'ENABLED' })}}}`) as FlagSet;
    expect(carryOver(set, older)).toEqual(set);
  });

  test('takes another variant', () => expect(valueOf(switchOn(set, 'slow', { variant: 'rare' }), 'slow')).toBe(5));

  test('switches on for one release alone', () => {
    const changed = switchOn(set, 'slow', { release: '1.0.0+bbbbbbb' });
    expect(valueOf(changed, 'slow', '1.0.0+bbbbbbb')).toBe(2);
    expect(valueOf(changed, 'slow', '1.0.0+aaaaaaa')).toBe(0);
    expect(standing(changed.flags['slow'] ?? flag)).toEqual({
      variant: 'on',
      release: '1.0.0+bbbbbbb',
      mystery: false,
    });
  });

  test('forgets the release when it is switched on for all', () => {
    const changed = switchOn(switchOn(set, 'slow', { release: 'other' }), 'slow');
    expect(valueOf(changed, 'slow')).toBe(2);
  });

  test('switches off what is configured, too', () => {
    expect(valueOf(switchOff(set), 'slow')).toBe(0);
    expect(valueOf(switchOff(switchOn(set, 'slow'), 'slow'), 'slow')).toBe(0);
  });

  test('goes back to what is configured', () => {
    expect(switchToDefault(switchOn(switchOff(set), 'slow', { mystery: true }))).toEqual(set);
  });

  test.each([
    ['a fault that is not there', () => switchOn(set, 'toString'), /There are slow, broken\./],
    ['a variant that is not there', () => switchOn(set, 'slow', { variant: 'huge' }), /It has off, on, rare\./],
  ])('refuses %s and says what there is', (_, turn, said) => {
    expect(turn).toThrow(NoSuchFlagError);
    expect(turn).toThrow(said);
  });

  test('does not change the set that it was given', () => {
    const before = JSON.stringify(set);
    switchOff(switchOn(set, 'slow'));
    expect(JSON.stringify(set)).toBe(before);
  });
});

describe('a mystery', () => {
  test('switches one on, leaves the rest as configured, and can be revealed', () => {
    const drawn = drawMystery(switchOn(set, 'slow'), ['slow', 'broken'], 0.99);
    expect([valueOf(drawn, 'slow'), valueOf(drawn, 'broken')]).toEqual([7, 2]);
    expect(mysteryOf(drawn)).toBe('broken');
  });

  test('is over when the flag is switched otherwise', () => {
    const drawn = drawMystery(set, ['slow'], 0);
    for (const after of [switchOff(drawn), switchToDefault(drawn), switchOn(drawn, 'slow')]) {
      expect(mysteryOf(after)).toBeNull();
    }
  });
});

describe('a new start', () => {
  test('keeps what was switched, drops flags that are no longer shipped, and takes new ones', () => {
    const before = switchOn({ flags: { slow: flag, gone: flag } }, 'slow', { variant: 'rare', release: 'r' });
    const after = carryOver(set, before);
    expect(Object.keys(after.flags)).toEqual(['slow', 'broken']);
    expect(standing(after.flags['slow'] ?? flag)).toMatchObject({ variant: 'rare', release: 'r' });
    expect(standing(after.flags['broken'] ?? flag).variant).toBe('default');
  });

  test('drops a variant that is no longer shipped', () => {
    const before = switchOn({ flags: { slow: { ...flag, variants: { off: 0, huge: 9 } } } }, 'slow', {
      variant: 'huge',
    });
    expect(carryOver(set, before)).toEqual(set);
  });
});
