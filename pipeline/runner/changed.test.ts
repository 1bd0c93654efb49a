import { expect, test } from 'vitest';

import { changedComponents, components } from './changed.ts';

test.each([
  ['a service', ['services/customer/config.ts'], ['customer']],
  ['two services', ['services/route/routes.ts', 'services/driver/migrations/003-x.sql'], ['driver', 'route']],
  ['what the frontend imports of a service', ['services/driver/contract.ts'], ['frontend', 'driver']],
  ["the frontend's page", ['services/frontend/page/app.tsx'], ['frontend']],
  ['the viewer', ['observatory/page/main.tsx'], ['observatory']],
  ['shared code', ['packages/kit/server.ts'], components],
  ['the lockfile', ['package-lock.json'], components],
  ['the Dockerfile', ['Dockerfile'], components],
  ['tests and documents', ['services/customer/database.test.ts', 'README.md', 'docs/pipeline.md'], []],
  ['what is in no image', ['stack/main.ts', 'charts/hotrod/values.yaml', 'codefresh.yml'], []],
  ['nothing', [], []],
])('names what a change of %s touches', (_, paths, expected) => {
  expect(changedComponents(paths)).toEqual(expected);
});

test('names everything where it is not known what changed', () => {
  expect(changedComponents(null)).toEqual(components);
});
