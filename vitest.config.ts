import { defineConfig } from 'vitest/config';

/**
 * On a shared machine a test may be starved. Outside of `unit` it gets more time, may try again, and is then named at the
 * end (plain-count-reporter.ts). Patience costs nothing if a test passes; `expect.poll` alone has a second by default.
 */
const patience = {
  retry: 1,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 30_000 } },
};
/** Tests that need nothing but a processor have twenty seconds, of which a poll may take most, and no second try. */
const quick = { retry: 0, testTimeout: 20_000, hookTimeout: 20_000, expect: { poll: { timeout: 15_000 } } };
/**
 * Vitest runs one group after another, and refuses to run if projects of one group differ in their workers. `quick`
 * has a worker for each core but one, so whoever sets `maxWorkers` needs a group of their own.
 */
const groups = { system: 1, cluster: 2, faults: 3, quick: 4 };
const cluster = 'tests/deploy/cluster.test.ts';
// What suites and tests keep there are checkouts, too, with tests of their own.
const exclude = ['.hotrod/**', '**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    reporters: ['default', './tests/plain-count-reporter.ts'],
    projects: [
      // Functions alone: no other process, no server, no DuckDB (tests/unit-setup.ts). A file beside what it tests.
      {
        test: {
          name: 'unit',
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...exclude, 'tests/**', '**/*.{store,system}.test.ts', '**/*.dom.test.tsx'],
          setupFiles: ['tests/unit-setup.ts'],
          sequence: { groupOrder: groups.quick },
          ...quick,
        },
      },
      // The pages' components, rendered in happy-dom: pressed and typed into, without a browser or a server.
      {
        test: {
          name: 'page',
          include: ['**/*.dom.test.tsx'],
          exclude,
          environment: 'happy-dom',
          setupFiles: ['tests/unit-setup.ts'],
          sequence: { groupOrder: groups.quick },
          ...quick,
        },
      },
      // The Observatory's parts with DuckDB in the test's own process.
      {
        test: {
          name: 'store',
          include: ['observatory/**/*.store.test.ts'],
          exclude,
          sequence: { groupOrder: groups.quick },
          ...patience,
        },
      },
      // Real processes, a real Postgres, an in-process OTLP receiver, Chromium: slower, so fewer at once.
      {
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts', '**/*.system.test.ts'],
          exclude: [...exclude, 'tests/faults/**', cluster],
          ...patience,
          sequence: { groupOrder: groups.system },
          maxWorkers: 2,
        },
      },
      // Overload, kills, full disks: each takes its time, and what it measures suffers from neighbours.
      {
        test: {
          name: 'faults',
          include: ['tests/faults/**/*.test.ts'],
          exclude,
          ...patience,
          sequence: { groupOrder: groups.faults },
          maxWorkers: 1,
        },
      },
      // A dozen pods, rolled again and again: alone.
      {
        test: {
          name: 'cluster',
          include: [cluster],
          exclude,
          ...patience,
          sequence: { groupOrder: groups.cluster },
          maxWorkers: 1,
        },
      },
    ],
  },
});
