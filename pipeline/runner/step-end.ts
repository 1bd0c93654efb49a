import type { StepResult } from './plan.ts';
import type { TelemetryResult } from './telemetry.ts';

/** How a step ended. */
export interface StepEnd {
  state: Extract<StepResult, 'success' | 'failure' | 'approved' | 'denied' | 'terminated'>;
  reason: string | null;
  exitCode: number | null;
  result: TelemetryResult;
}

export function succeeded(): StepEnd {
  return { state: 'success', reason: null, exitCode: null, result: 'success' };
}

export function failed(reason: string): StepEnd {
  return { state: 'failure', reason, exitCode: null, result: 'failure' };
}

export function terminated(reason: string): StepEnd {
  return { state: 'terminated', reason, exitCode: null, result: 'cancellation' };
}
