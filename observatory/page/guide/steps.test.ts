import { describe, expect, it } from 'vitest';

import { defaultState, type State } from '../state/url-state.ts';
import { advance, parseKept, steps } from './steps.ts';

const shown = (change: Partial<State>): State => ({ ...defaultState, ...change });
const box = { fromMs: 1, toMs: 2, minMs: 1_500, maxMs: null };

describe('the guide', () => {
  it('goes on as the story does, and stays at its end', () => {
    const story = [
      shown({}),
      shown({ box }),
      shown({ box, by: ['hotrod.customer.name'], view: 'groups' }),
      shown({ traceId: 'a'.repeat(32) }),
      shown({ view: 'releases' }),
      shown({ view: 'slo' }),
    ];
    let step = 0;
    const seen = story.map((state) => (step = advance(step, state)));
    expect(seen).toEqual([0, 1, 2, 3, 4, steps.length - 1]);
  });

  it('does not go back where one looks at something else', () => {
    expect(advance(2, shown({}))).toBe(2);
    expect(advance(3, shown({ box }))).toBe(3);
  });

  it.each([
    [null, 0],
    ['2', 2],
    ['away', 'away'],
    ['99', 0],
    ['-1', 0],
    ['x', 0],
  ])('reads %j as %j', (kept, meaning) => expect(parseKept(kept)).toBe(meaning));
});
