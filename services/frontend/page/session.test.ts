import { expect, test } from 'vitest';
import { createSession } from './session.ts';

function memory(entries: Record<string, string> = {}) {
  const map = new Map(Object.entries(entries));
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
  };
}

test('requests of a session are numbered from one', () => {
  const session = createSession(memory());
  expect(session.id).toMatch(/^[a-z\d]{6}$/);
  expect([session.nextRequestId(), session.nextRequestId()]).toEqual([`${session.id}-1`, `${session.id}-2`]);
});

test('a reload goes on where the page was, so no request id comes twice', () => {
  const storage = memory();
  const before = createSession(storage);
  before.nextRequestId();
  const after = createSession(storage);
  expect(after.id).toBe(before.id);
  expect(after.nextRequestId()).toBe(`${before.id}-2`);
});

test('what others left in the storage is not used as an id', () => {
  const session = createSession(memory({ 'hotrod.session': 'x y,z=1', 'hotrod.requests': '7' }));
  expect(session.id).toMatch(/^[a-z\d]{6}$/);
  expect(session.nextRequestId()).toBe(`${session.id}-1`);
});

test('without a storage, or with one that refuses, a session lasts as long as the page', () => {
  expect(createSession(undefined).nextRequestId()).toMatch(/-1$/);
  const refusing = {
    getItem: () => {
      throw new Error('SecurityError');
    },
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
  };
  const session = createSession(refusing);
  session.nextRequestId();
  expect(session.nextRequestId()).toBe(`${session.id}-2`);
});
