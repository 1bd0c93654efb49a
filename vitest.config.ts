import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    reporters: ['default', './tests/plain-count-reporter.ts'],
    projects: [
      // Fast, in one process, no other program: a file beside what it tests.
      { test: { name: 'unit', include: ['**/*.test.ts'], exclude: [...exclude, 'tests/**', '**/*.system.test.ts'] } },
      // Real processes, a real Postgres, an in-process OTLP receiver, Chromium: slower, so fewer at once.
      {
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts', '**/*.system.test.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // Several processes and a browser on a shared machine: one that was starved may try again, and is named for it.
          retry: 1,
          maxWorkers: 2,
        },
      },
    ],
  },
});
