import { createHash } from 'node:crypto';

/** One alert of a notification. */
export interface NotifiedAlert {
  status: 'firing' | 'resolved';
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  startsAt: string;
  /** The year 1 while it fires, as Alertmanager writes it. */
  endsAt: string;
  generatorURL: string;
  fingerprint: string;
}

/**
 * What is sent to a webhook, version 4, as Alertmanager sends it, so that a receiver of Alertmanager's notifications
 * can receive these, too: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export interface Notification {
  version: '4';
  groupKey: string;
  truncatedAlerts: number;
  status: 'firing' | 'resolved';
  receiver: string;
  groupLabels: { readonly alertname: string };
  commonLabels: Readonly<Record<string, string>>;
  commonAnnotations: Readonly<Record<string, string>>;
  externalURL: string;
  alerts: NotifiedAlert[];
}

const notEnded = '0001-01-01T00:00:00Z';

/** @param endsMs when it ended, Unix milliseconds; null while it fires. */
export function notifiedAlert(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  startsMs: number,
  endsMs: number | null,
  generatorURL: string,
): NotifiedAlert {
  return {
    status: endsMs === null ? 'firing' : 'resolved',
    labels,
    annotations,
    startsAt: new Date(startsMs).toISOString(),
    endsAt: endsMs === null ? notEnded : new Date(endsMs).toISOString(),
    generatorURL,
    fingerprint: fingerprint(labels),
  };
}

/** The alerts of one name, together. */
export function notification(alertname: string, alerts: NotifiedAlert[], externalURL: string): Notification {
  return {
    version: '4',
    groupKey: `{}:{alertname=${JSON.stringify(alertname)}}`,
    truncatedAlerts: 0,
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver: 'observatory',
    groupLabels: { alertname },
    commonLabels: common(alerts.map(({ labels }) => labels)),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    externalURL,
    alerts,
  };
}

/**
 * The notification that replaces an undelivered one when there is a newer one of the same name. The newer one has all
 * alerts that fire. The end of an alert is told only once, so the ended alerts of the older one are added.
 */
export function superseding(older: Notification, newer: Notification): Notification {
  const renewed = new Set(newer.alerts.map((alert) => alert.fingerprint));
  const ended = older.alerts.filter((alert) => alert.status === 'resolved' && !renewed.has(alert.fingerprint));
  return notification(newer.groupLabels.alertname, [...newer.alerts, ...ended], newer.externalURL);
}

/** The labels or annotations that all of them have with the same value. */
function common(sets: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = {}, ...others] = sets;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every((each) => each[key] === value)),
  );
}

/** The same for the same labels, whenever and wherever it fires: 16 hexadecimal digits. */
export function fingerprint(labels: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
