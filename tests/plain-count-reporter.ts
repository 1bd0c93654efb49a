import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the output with `N passed, N failed[, N skipped]` on a line of its own, the form that needs no knowledge of
 * Vitest to be read. A module that could not be loaded, or a `beforeAll` that failed, counts as one failure. A test that
 * needed its second try is named.
 */
export default class PlainCountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const testModule of modules) {
      for (const test of testModule.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed') count[state] += 1;
        else count.skipped += 1;
        if (test.diagnostic()?.flaky === true) console.log(`passed at a second try only: ${test.fullName}`);
      }
      for (const part of [testModule, ...testModule.children.allSuites()]) {
        if (part.errors().length > 0) count.failed += 1;
      }
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    console.log(`${count.passed} passed, ${count.failed} failed${skipped}`);
  }
}
