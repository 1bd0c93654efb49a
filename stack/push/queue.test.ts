import { describe, expect, it } from 'vitest';

import type { Push } from './push.ts';
import { createPushQueue } from './queue.ts';

const push = (digit: string): Push => ({ revision: digit.repeat(40), options: [] });

function queue() {
  const started: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const pushes = createPushQueue((what) => {
    if (what.options.length > 0) throw new Error('not understood');
    started.push(what.revision.slice(0, 1));
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return { id: what.revision, url: `http://x/${what.revision.slice(0, 7)}`, ended: end.promise };
  });
  return { pushes, started, endOne: () => ends.shift()?.resolve() };
}

describe('pushes', () => {
  it('are released one at a time', async () => {
    const { pushes, started, endOne } = queue();
    const lines: string[] = [];
    const first = pushes.push(push('a'), () => {});
    await Promise.resolve();
    const second = pushes.push(push('b'), (line) => lines.push(line));
    expect(started).toEqual(['a']);
    expect(lines[0]).toBe('The release of aaaaaaa is not over yet: http://x/aaaaaaa');
    endOne();
    await first;
    await Promise.resolve();
    expect(started).toEqual(['a', 'b']);
    endOne();
    await second;
  });

  it('that come in one moment are released one at a time, too', async () => {
    const { pushes, started, endOne } = queue();
    const both = [pushes.push(push('a'), () => {}), pushes.push(push('b'), () => {})];
    await Promise.resolve();
    expect(started).toEqual(['a']);
    endOne();
    await both[0];
    await Promise.resolve();
    expect(started).toEqual(['a', 'b']);
    endOne();
    await Promise.all(both);
  });

  it('give way to newer ones while they wait', async () => {
    const { pushes, started, endOne } = queue();
    const lines: string[] = [];
    const first = pushes.push(push('a'), () => {});
    const second = pushes.push(push('b'), (line) => lines.push(line));
    const third = pushes.push(push('c'), () => {});
    await second;
    expect(lines.at(-1)).toBe('ccccccc was pushed meanwhile: it is released instead of bbbbbbb.');
    endOne();
    await first;
    await Promise.resolve();
    endOne();
    await third;
    expect(started).toEqual(['a', 'c']);
  });

  it('that cannot be started do not block the next', async () => {
    const { pushes, started, endOne } = queue();
    const wrong = { ...push('a'), options: ['target=moon'] };
    await expect(pushes.push(wrong, () => {})).rejects.toThrow('not understood');
    const next = pushes.push(push('b'), () => {});
    await Promise.resolve();
    expect(started).toEqual(['b']);
    endOne();
    await next;
  });
});
