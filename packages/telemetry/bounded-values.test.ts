import { describe, expect, it } from 'vitest';

import { createBoundedValues } from './bounded-values.ts';

describe('createBoundedValues', () => {
  it('keeps the first values for good, and calls all others "other"', () => {
    const bounded = createBoundedValues(2);
    expect(['a', 'b', 'c', 'a', 'd', 'b'].map(bounded)).toEqual(['a', 'b', 'other', 'a', 'other', 'b']);
  });

  it('makes no more values than its limit and two, whatever clients send', () => {
    const bounded = createBoundedValues(10);
    const values = Array.from({ length: 1_000 }, (_, index) => bounded(index % 3 === 0 ? undefined : `name ${index}`));
    expect(new Set(values).size).toBe(12);
  });

  it('does not count what is missing', () => {
    const bounded = createBoundedValues(1);
    expect([undefined, 'a', undefined].map(bounded)).toEqual(['unknown', 'a', 'unknown']);
  });

  it('keeps each value short', () => {
    expect(createBoundedValues(1)('x'.repeat(10_000))).toHaveLength(200);
  });

  it('has a limit of its own for each user', () => {
    const [one, two] = [createBoundedValues(1), createBoundedValues(1)];
    expect([one('a'), two('b'), one('b')]).toEqual(['a', 'b', 'other']);
  });
});
