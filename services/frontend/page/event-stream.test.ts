import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventStream, type Source } from './event-stream.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream, and the sources that it has opened, to be spoken for. */
function create() {
  const sources: { say(type: string, data?: string): void; closed: boolean }[] = [];
  const told: string[] = [];
  const stream = createEventStream({
    open(): Source {
      const listeners = new Map<string, (event: { data?: unknown }) => void>();
      const source = {
        closed: false,
        say: (type: string, data?: string) => {
          if (!source.closed) listeners.get(type)?.({ data });
        },
      };
      sources.push(source);
      return {
        addEventListener: (type, listener) => void listeners.set(type, listener),
        close: () => (source.closed = true),
      };
    },
    onRides: (data) => told.push(data),
    later(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  });
  return { stream, sources, told };
}

describe('an event stream', () => {
  it('passes on the events of rides, and is live from then on', () => {
    const { stream, sources, told } = create();
    stream.open();
    stream.open();
    expect([sources.length, stream.state.value]).toEqual([1, 'connecting']);
    sources[0]?.say('rides', '[1]');
    expect([told, stream.state.value]).toEqual([['[1]'], 'live']);
  });

  it('is opened again when it ends, ever more patiently, and says so when that does not help', () => {
    const { stream, sources } = create();
    stream.open();
    sources[0]?.say('rides', '[]');
    sources[0]?.say('error');
    expect(sources[0]?.closed).toBe(true);
    // Whoever follows the frontend of a moment ago is not told of a loss that is none.
    for (const [index, ms] of [100, 200, 400].entries()) {
      expect(stream.state.value).toBe('live');
      vi.advanceTimersByTime(ms - 1);
      expect(sources).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(sources).toHaveLength(index + 2);
      sources[index + 1]?.say('error');
    }
    expect(stream.state.value).toBe('lost');
    vi.advanceTimersByTime(800);
    sources[4]?.say('beat');
    expect(stream.state.value).toBe('live');
    sources[4]?.say('error');
    vi.advanceTimersByTime(100);
    expect(sources).toHaveLength(6);
  });

  it('reads the last events of a frontend that leaves, beside its successor', () => {
    const { stream, sources, told } = create();
    stream.open();
    sources[0]?.say('rides', '[1]');
    sources[0]?.say('leaving', '{}');
    expect([sources.length, sources[0]?.closed, stream.state.value]).toEqual([2, false, 'live']);
    sources[1]?.say('rides', '[2]');
    sources[0]?.say('rides', '[3]');
    expect(told).toEqual(['[1]', '[2]', '[3]']);
    sources[0]?.say('error');
    expect([sources[0]?.closed, sources.length, stream.state.value]).toEqual([true, 2, 'live']);
    vi.advanceTimersByTime(20_000);
    expect(sources).toHaveLength(2);
  });

  it('treats a long silence as a lost connection', () => {
    const { stream, sources } = create();
    stream.open();
    sources[0]?.say('rides', '[]');
    vi.advanceTimersByTime(29_000);
    sources[0]?.say('beat');
    vi.advanceTimersByTime(29_000);
    expect([sources.length, sources[0]?.closed]).toEqual([1, false]);
    vi.advanceTimersByTime(1_500);
    expect([sources.length, sources[0]?.closed]).toEqual([2, true]);
  });

  it('sends no request while it is closed', () => {
    const { stream, sources } = create();
    stream.open();
    sources[0]?.say('leaving', '{}');
    sources[1]?.say('error');
    stream.close();
    expect(sources.every(({ closed }) => closed)).toBe(true);
    vi.advanceTimersByTime(100_000);
    expect([sources.length, vi.getTimerCount()]).toEqual([2, 0]);
    stream.open();
    expect(sources).toHaveLength(3);
  });
});
