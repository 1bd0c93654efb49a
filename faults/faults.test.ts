import { faultFlags } from '@hotrod/kit/fault-flags';
import { expect, test } from 'vitest';

import { readFlagFile } from './flag-file.ts';
import { standing } from './flag-set.ts';
import { readManifests } from './manifest.ts';

const flags = readFlagFile(new URL('./flags.json', import.meta.url)).flags;
const manifests = readManifests();

test('has a manifest for every flag, a flag for every manifest, and services that know them all', () => {
  expect(new Set(manifests.keys())).toEqual(new Set(Object.keys(flags)));
  expect(new Set<string>(faultFlags)).toEqual(new Set(Object.keys(flags)));
});

test.each(Object.entries(flags))('%s is shipped as configured, and has variants to be on and off', (_, flag) => {
  expect(standing(flag)).toEqual({ variant: 'default', release: null, mystery: false });
  expect(flag.variants['off']).toBe(0);
  expect(flag.variants['on']).toBeGreaterThan(0);
});
