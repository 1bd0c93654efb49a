import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { z } from 'zod';

import type { Notification } from './notification.ts';

const textsSchema = z.record(z.string(), z.string());

const keptAlertSchema = z.object({
  /** The labels that identify the condition: {@link Notification} names the alert by them. */
  labels: textsSchema,
  annotations: textsSchema,
  /** Since when it fires, Unix milliseconds. */
  startsMs: z.number(),
});
/** An alert that fires. */
export type KeptAlert = z.infer<typeof keptAlertSchema>;

const notificationSchema: z.ZodType<Notification> = z.object({
  version: z.literal('4'),
  groupKey: z.string(),
  truncatedAlerts: z.number(),
  status: z.enum(['firing', 'resolved']),
  receiver: z.string(),
  groupLabels: z.object({ alertname: z.string() }),
  commonLabels: textsSchema,
  commonAnnotations: textsSchema,
  externalURL: z.string(),
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels: textsSchema,
      annotations: textsSchema,
      startsAt: z.string(),
      endsAt: z.string(),
      generatorURL: z.string(),
      fingerprint: z.string(),
    }),
  ),
});

const keptSchema = z.object({
  /** When objectives were looked at last, Unix milliseconds; 0 if they never were. */
  lookedMs: z.number(),
  firing: z.array(keptAlertSchema),
  /** Whether there was a webhook to notify of these alerts. */
  hasWebhook: z.boolean(),
  /** Notifications that the webhook has not taken yet. */
  undelivered: z.array(notificationSchema),
});
/**
 * What alerting has to know after a restart, so that the restart neither ends an alert nor notifies anybody of it
 * again.
 */
export type KeptAlerts = z.infer<typeof keptSchema>;

export const nothingKept: KeptAlerts = { lookedMs: 0, firing: [], hasWebhook: false, undelivered: [] };

/** Keeps the state of alerts over a restart. */
export interface AlertMemory {
  /** @throws when there is something that cannot be read. */
  load(): KeptAlerts;
  /** The file is complete at any moment, and is not written again while nothing changes. @throws the system's error, for example on a full disk. */
  save(kept: KeptAlerts): void;
}

/** @param path of a JSON file; it need not exist. */
export function createAlertFile(path: string): AlertMemory {
  let written = '';
  return {
    load() {
      if (!existsSync(path)) return nothingKept;
      return keptSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    },
    save(kept) {
      const text = JSON.stringify(kept);
      if (text === written) return;
      const unfinished = `${path}.new`;
      // Messages of markers are in it, as they are in the database beside it.
      writeFileSync(unfinished, text, { mode: 0o600 });
      renameSync(unfinished, path);
      written = text;
    },
  };
}
