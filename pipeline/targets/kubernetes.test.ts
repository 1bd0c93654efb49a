import { expect, test } from 'vitest';

import { previousRevision } from './kubernetes.ts';

const revision = (number: number, status: string, description = 'Upgrade complete') => ({
  revision: number,
  status,
  description,
});

test.each([
  ['the one before', [revision(1, 'superseded'), revision(2, 'deployed')], 1],
  ['none where there is one alone', [revision(1, 'deployed')], null],
  [
    'none that has failed and was taken back',
    [
      revision(1, 'superseded'),
      revision(2, 'superseded'),
      revision(3, 'failed'),
      revision(4, 'deployed', 'Rollback to 2'),
    ],
    1,
  ],
  [
    'one that is older than what a rollback has put back',
    [revision(1, 'superseded'), revision(2, 'superseded'), revision(3, 'deployed', 'Rollback to 1')],
    null,
  ],
])('a rollback goes to %s', (_what, history, expected) => {
  expect(previousRevision(history)).toBe(expected);
});
