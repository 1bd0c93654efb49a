import { faultFlags } from '@hotrod/kit/fault-flags';
import { parseFilter } from '@hotrod/observatory/filter/parse';
import { expect, test } from 'vitest';

import { readFlagFile } from './flag-file.ts';
import { standing } from './flag-set.ts';
import { readManifests } from './manifest.ts';

const flags = readFlagFile(new URL('./flags.json', import.meta.url)).flags;
const manifests = readManifests();

test('every flag has a manifest, every manifest a flag, and the services know them all', () => {
  expect([...manifests.keys()].toSorted()).toEqual(Object.keys(flags).toSorted());
  expect([...faultFlags].toSorted()).toEqual(Object.keys(flags).toSorted());
});

test.each(Object.entries(flags))('%s is shipped as configured, and has variants to be on and off', (_, flag) => {
  expect(standing(flag)).toEqual({ variant: 'default', release: null, mystery: false });
  expect(flag.variants['off']).toBe(0);
  expect(flag.variants['on']).toBeGreaterThan(0);
});

test.each([...manifests])("%s has a signature in the Observatory's filter language", (_, { signature }) => {
  expect(() => parseFilter(signature.filter)).not.toThrow();
});
