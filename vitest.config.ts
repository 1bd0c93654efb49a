import { defineConfig } from 'vitest/config';

/**
 * On a shared machine a test may be starved: it is waited for, it may try again, and is then named at the end
 * (plain-count-reporter.ts). Patience costs nothing where a test passes; `expect.poll` alone has a second by default.
 */
const patience = {
  retry: 1,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 30_000 } },
};
const cluster = 'tests/deploy/cluster.test.ts';
const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    reporters: ['default', './tests/plain-count-reporter.ts'],
    projects: [
      // Fast, in one process, no other program: a file beside what it tests.
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...exclude, 'tests/**', '**/*.system.test.ts'],
          ...patience,
        },
      },
      // Real processes, a real Postgres, an in-process OTLP receiver, Chromium: slower, so fewer at once.
      {
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts', '**/*.system.test.ts'],
          exclude: [...exclude, cluster],
          ...patience,
          maxWorkers: 2,
        },
      },
      // A dozen pods, rolled again and again: after all others, and alone.
      { test: { name: 'cluster', include: [cluster], exclude, ...patience, sequence: { groupOrder: 1 } } },
    ],
  },
});
