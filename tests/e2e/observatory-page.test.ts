import { describe } from 'vitest';

import { hasChromium } from '../harness/chromium.ts';
import { filtering } from './observatory-page/filtering.ts';
import { grouping } from './observatory-page/grouping.ts';
import { seeingDeploys } from './observatory-page/seeing-deploys.ts';
import { outages } from './observatory-page/outages.ts';
import { readingATrace } from './observatory-page/reading-a-trace.ts';
import { selecting } from './observatory-page/selecting.ts';
import { takingAlong } from './observatory-page/taking-along.ts';
import { openObservatory } from './observatory-page/page-under-test.ts';

/** One Observatory and one browser for all, because starting them takes longer than a test; a file for each thing that a person does. */
describe.skipIf(!hasChromium)('the Observatory’s page', () => {
  openObservatory();
  describe('selecting', selecting);
  describe('grouping', grouping);
  describe('filtering', filtering);
  describe('reading a trace', readingATrace);
  describe('seeing deploys', seeingDeploys);
  describe('outages', outages);
  describe('taking along', takingAlong);
});
