import { logs, SeverityNumber } from '@opentelemetry/api';

import { isAutomaticAlone } from './mode.ts';

const logger = logs.getLogger('@hotrod/telemetry/flags');

/**
 * Records that a feature flag changed what a request met, as an event with the request's trace.
 * https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/
 */
export function flagEvaluated(evaluation: {
  key: string;
  variant: string;
  value: number;
  reason: string;
  provider: string;
}): void {
  if (isAutomaticAlone()) return;
  logger.emit({
    eventName: 'feature_flag.evaluation',
    severityNumber: SeverityNumber.INFO,
    attributes: {
      'feature_flag.key': evaluation.key,
      'feature_flag.result.variant': evaluation.variant,
      'feature_flag.result.value': evaluation.value,
      'feature_flag.result.reason': evaluation.reason,
      'feature_flag.provider.name': evaluation.provider,
    },
  });
}
