import type { Request, Response } from 'express';

import type { FiringAlert, Status } from '../contract/contract.ts';
import type { Database } from '../store/database.ts';
import type { Asking } from '../store/questions/population.ts';
import type { Objective } from '../store/questions/objective.ts';

/** What the API needs of the rest of the Observatory. */
export interface ApiParts {
  database: Pick<Database, 'reader' | 'writer' | 'aside'>;
  status(signal?: AbortSignal): Promise<Status>;
  /** For Prometheus. */
  metrics(): string;
}

/** What every route works with. */
export interface ApiContext {
  parts: ApiParts;
  objectives: readonly Objective[];
  /** The alerts of an objective that fire. */
  firingOf: (objective: Objective) => FiringAlert[];
  markersKey: string | undefined;
  now: () => number;
  /** Runs a question in its turn, with a time limit, interrupted when its asker goes away. */
  asking: Ask;
  /** The same for quick answers, without a turn: they wait for no question. */
  askingAside: Ask;
}

type Ask = <T>(
  request: Request,
  response: Response,
  ask: (asking: Asking & { signal: AbortSignal }) => Promise<T>,
) => Promise<T>;
