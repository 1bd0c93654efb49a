import { join } from 'node:path';

import type { Logger } from '@hotrod/kit/logging';

import type { ObservatoryConfig } from '../config.ts';
import type { Database } from '../store/database.ts';
import { defaultObjectives } from '../store/questions/default-objectives.ts';
import type { Telemetry } from '../telemetry.ts';
import { type AlertMemory, createAlertFile, type KeptAlerts, nothingKept } from './alert-memory.ts';
import { type Alerting, createAlerting } from './alerting.ts';
import { createWebhook } from './webhook.ts';

/**
 * Looks at the objectives from now on; notifies the webhook, if there is one. The state of alerts outlives a restart.
 *
 * @param url of the Observatory, for links, if the configuration names no other.
 */
export function startAlerting(
  { config, logger }: { config: ObservatoryConfig; logger: Logger },
  url: string,
  database: Database,
  telemetry: Telemetry,
): { alerting: Alerting; close: () => Promise<void> } {
  const memory = createAlertFile(join(config.dataDir, 'alerts.json'));
  const webhook =
    config.alertWebhook === null ? null : createWebhook(config.alertWebhook, logger, undefined, () => save());
  const kept = loadAlerts(memory, webhook !== null, logger);
  const alerting = createAlerting({
    objectives: config.objectives ?? defaultObjectives,
    publicUrl: config.publicUrl ?? url,
    reader: database.reader,
    kept,
    notify: (notification) => {
      webhook?.notify(notification);
      save();
    },
  });
  for (const notification of kept.undelivered) webhook?.notify(notification);

  let isWarned = false;
  function save(): void {
    const [firing, undelivered] = [alerting.firing(), webhook?.undelivered() ?? []];
    // While nothing fires nobody asks when that was seen last.
    const lookedMs = Math.max(alerting.lastLookMs(), kept.lookedMs);
    const isQuiet = firing.length === 0 && undelivered.length === 0;
    const state: KeptAlerts = {
      lookedMs: isQuiet ? 0 : lookedMs,
      firing,
      hasWebhook: webhook !== null,
      undelivered,
    };
    try {
      memory.save(state);
      isWarned = false;
    } catch (error) {
      // A full disk is told once, not at each look.
      if (!isWarned) logger.warn({ err: error }, 'The state of alerts could not be kept for the next start');
      isWarned = true;
    }
  }
  registerAlertMetrics(telemetry, alerting);
  if (webhook) {
    telemetry.gauge(
      'alert_notifications_undelivered',
      'Notifications that the webhook is yet to take.',
      () => webhook.undelivered().length,
    );
    telemetry.counter('alert_notification_failures_total', 'Posts that the webhook did not take.', webhook.failures);
  }
  const closing = new AbortController();
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= alerting
      .evaluate(closing.signal)
      .catch((error: unknown) => logger.warn({ err: error }, 'Objectives could not be looked at for alerts'))
      .finally(() => {
        looking = null;
        save();
        webhook?.offerAgain();
      });
  }, config.alertIntervalMs);
  timer.unref();
  return {
    alerting,
    close: async () => {
      clearInterval(timer);
      closing.abort();
      await webhook?.close();
      await looking;
      save();
    },
  };
}

function loadAlerts(memory: AlertMemory, hasWebhook: boolean, logger: Logger): KeptAlerts {
  try {
    const kept = memory.load();
    // What fired while there was no webhook fires anew for one that is there now: it was never told.
    return hasWebhook && !kept.hasWebhook ? nothingKept : kept;
  } catch (error) {
    logger.warn({ err: error }, 'The state of alerts before this start cannot be read; what holds fires again');
    return nothingKept;
  }
}

function registerAlertMetrics(telemetry: Telemetry, alerting: Alerting): void {
  telemetry.gauge('alerts_firing', 'Alerts that fire.', () => alerting.firing().length);
  telemetry.counter(
    'alert_look_failures_total',
    'Objectives that could not be looked at for alerts.',
    alerting.failures,
  );
  telemetry.gauge(
    'alert_last_look_timestamp_seconds',
    'When all objectives were looked at last, Unix time; 0 for never.',
    () => alerting.lastLookMs() / 1000,
  );
}
