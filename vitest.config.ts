import { defineConfig } from 'vitest/config';

/** On a shared machine a test may be starved: it may try again, and is then named at the end (plain-count-reporter.ts). */
const retry = 1;
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
          retry,
        },
      },
      // Real processes, a real Postgres, an in-process OTLP receiver, Chromium: slower, so fewer at once.
      {
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts', '**/*.system.test.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          retry,
          maxWorkers: 2,
        },
      },
    ],
  },
});
