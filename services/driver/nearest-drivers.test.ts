import { describe, expect, it } from 'vitest';

import type { Driver } from './contract.ts';
import { type DriverStore, findNearestDrivers } from './nearest-drivers.ts';

const here = { x: 1, y: 2 };
const driver = (id: string): Driver => ({ id, location: here });

/** A store of drivers a, b, c …; `read` says what the n-th read of a driver does: an error, null, or the driver. */
function createStore(
  ids: string[],
  outcome: (id: string, attempt: number) => Error | null | undefined = () => undefined,
): DriverStore & { reads: string[]; asked: unknown[] } {
  const reads: string[] = [];
  const asked: unknown[] = [];
  return {
    reads,
    asked,
    nearestIds(location, count) {
      asked.push(location, count);
      return Promise.resolve(ids);
    },
    read([id = '']) {
      reads.push(id);
      const result = outcome(id, reads.filter((read) => read === id).length);
      if (result instanceof Error) return Promise.reject(result);
      return Promise.resolve(result === null ? [] : [driver(id)]);
    },
  };
}

describe('findNearestDrivers', () => {
  it('asks for ten near the place, and keeps them nearest first', async () => {
    const store = createStore(['c', 'a', 'b']);
    expect(await findNearestDrivers(store, here, { attempts: 3, oneByOne: true })).toEqual({
      drivers: [driver('c'), driver('a'), driver('b')],
      failedReads: 0,
    });
    expect(store.asked).toEqual([here, 10]);
  });

  it('reads all of them at once, and retries that, when the setting says so', async () => {
    const asked: (readonly string[])[] = [];
    const store: DriverStore = {
      nearestIds: () => Promise.resolve(['a', 'b']),
      read(ids) {
        asked.push(ids);
        return asked.length === 1 ? Promise.reject(new Error('slow')) : Promise.resolve(ids.map(driver));
      },
    };
    expect(await findNearestDrivers(store, here, { attempts: 2, oneByOne: false })).toEqual({
      drivers: [driver('a'), driver('b')],
      failedReads: 1,
    });
    expect(asked).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('reads them one after the other', async () => {
    let open = 0;
    let most = 0;
    const store = createStore(['a', 'b', 'c']);
    await findNearestDrivers(
      {
        ...store,
        async read([id = '']) {
          open += 1;
          most = Math.max(most, open);
          await Promise.resolve();
          open -= 1;
          return [driver(id)];
        },
      },
      here,
      { attempts: 3, oneByOne: true },
    );
    expect(most).toBe(1);
  });

  it('tries a failed read again, and counts it', async () => {
    const store = createStore(['a', 'b'], (id, attempt) => (id === 'a' && attempt < 3 ? new Error('slow') : undefined));
    expect(await findNearestDrivers(store, here, { attempts: 3, oneByOne: true })).toEqual({
      drivers: [driver('a'), driver('b')],
      failedReads: 2,
    });
    expect(store.reads).toEqual(['a', 'a', 'a', 'b']);
  });

  it('throws the error of the last attempt, and reads no further', async () => {
    const store = createStore(['a', 'b'], (_id, attempt) => new Error(`attempt ${attempt}`));
    await expect(findNearestDrivers(store, here, { attempts: 3, oneByOne: true })).rejects.toThrow('attempt 3');
    expect(store.reads).toEqual(['a', 'a', 'a']);
  });

  it('does not retry when one attempt is allowed', async () => {
    const store = createStore(['a'], () => new Error('slow'));
    await expect(findNearestDrivers(store, here, { attempts: 1, oneByOne: true })).rejects.toThrow('slow');
    expect(store.reads).toEqual(['a']);
  });

  it('counts attempts for each driver by itself', async () => {
    const store = createStore(['a', 'b', 'c'], (_id, attempt) => (attempt === 1 ? new Error('slow') : undefined));
    expect(await findNearestDrivers(store, here, { attempts: 2, oneByOne: true })).toMatchObject({
      failedReads: 3,
      drivers: [{}, {}, {}],
    });
  });

  it('leaves out a driver who has disappeared meanwhile, without a failure', async () => {
    const store = createStore(['a', 'b', 'c'], (id) => (id === 'b' ? null : undefined));
    expect(await findNearestDrivers(store, here, { attempts: 3, oneByOne: true })).toEqual({
      drivers: [driver('a'), driver('c')],
      failedReads: 0,
    });
    expect(store.reads).toEqual(['a', 'b', 'c']);
  });

  it('finds no driver when none is near', async () => {
    expect(await findNearestDrivers(createStore([]), here, { attempts: 3, oneByOne: true })).toEqual({
      drivers: [],
      failedReads: 0,
    });
  });

  it('does not try a failed search again', async () => {
    const store = { ...createStore([]), nearestIds: () => Promise.reject(new Error('down')) };
    await expect(findNearestDrivers(store, here, { attempts: 3, oneByOne: true })).rejects.toThrow('down');
  });
});
