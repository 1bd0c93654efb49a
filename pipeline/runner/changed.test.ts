import { expect, test } from 'vitest';

import { parse } from 'yaml';

import { changedComponents, components, releaseValues } from './changed.ts';

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

test('names everything when it is unknown what changed', () => {
  expect(changedComponents(null)).toEqual(components);
});

test('writes values of the chart that give what changed its tag, and name nothing else', () => {
  expect(parse(releaseValues(['customer', 'route', 'observatory', 'release-tools'], '0.1.0_1234567'))).toEqual({
    services: { customer: { image: { tag: '0.1.0_1234567' } }, route: { image: { tag: '0.1.0_1234567' } } },
    observatory: { image: { tag: '0.1.0_1234567' } },
  });
  expect(parse(releaseValues([], '1'))).toBeNull();
});
