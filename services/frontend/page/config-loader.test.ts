import { expect, test } from 'vitest';
import type { Outcome, PageConfig } from './api.ts';
import { createConfigLoader } from './config-loader.ts';

const config: PageConfig = {
  customers: [],
  traceUrl: null,
  observatoryUrl: null,
  release: '0.1.0',
  revision: null,
  environment: 'test',
  city: { width: 1000, height: 1000 },
};
const failed: Outcome<PageConfig> = {
  traceId: undefined,
  failure: { title: 'The frontend cannot be reached', detail: '', code: 'unreachable', status: undefined },
};

function createWorld(answers: Outcome<PageConfig>[]) {
  const waits: number[] = [];
  const pending = new Set<() => void>();
  let asked = 0;
  const loader = createConfigLoader(
    () => {
      asked += 1;
      return Promise.resolve(answers.shift() ?? failed);
    },
    (ms, callback) => {
      waits.push(ms);
      pending.add(callback);
      return () => pending.delete(callback);
    },
  );
  const nextRetry = async (): Promise<void> => {
    for (const callback of pending) {
      pending.delete(callback);
      callback();
    }
    await loader.load();
  };
  return { loader, waits, pending, nextRetry, asked: () => asked };
}

test('loads once, and is ready', async () => {
  const { loader, pending } = createWorld([{ traceId: undefined, value: config }]);
  expect(loader.state.value.kind).toBe('loading');
  await loader.load();
  expect(loader.state.value).toEqual({ kind: 'ready', config });
  expect(pending.size).toBe(0);
});

test('asks again by itself, ever more patiently, until the answer is there', async () => {
  const { loader, waits, nextRetry, pending } = createWorld([
    failed,
    failed,
    failed,
    failed,
    failed,
    failed,
    { traceId: undefined, value: config },
  ]);
  await loader.load();
  expect(loader.state.value.kind).toBe('failed');
  for (let retry = 0; retry < 6; retry += 1) await nextRetry();
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  expect(loader.state.value.kind).toBe('ready');
  expect(pending.size).toBe(0);
});

test('asking by hand takes the place of the retry that was to come', async () => {
  const { loader, pending, asked } = createWorld([failed, { traceId: undefined, value: config }]);
  await loader.load();
  await Promise.all([loader.load(), loader.load()]);
  expect(asked()).toBe(2);
  expect(pending.size).toBe(0);
});
