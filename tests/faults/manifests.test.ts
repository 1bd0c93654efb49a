import { expect, test } from 'vitest';

import { readManifests } from '../../faults/manifest.ts';
import { parseFilter } from '../../observatory/filter/parse.ts';

test.each([...readManifests().values()])(
  "$flag has a signature in the Observatory's filter language",
  ({ signature }) => {
    expect(() => parseFilter(signature.filter)).not.toThrow();
  },
);
