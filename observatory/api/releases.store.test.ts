import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Problem, Release } from '../contract/contract.ts';
import { parseVerdict } from '../store/questions/releases.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';
