import { setTimeout as sleep } from 'node:timers/promises';

import { type Notification, superseding } from './notification.ts';

/**
 * Takes notifications and delivers them in order, in the background. It keeps the newest notification of each alert
 * name until it is taken, so it holds at most one for each alert name.
 */
export interface Webhook {
  /** Never waits and never throws. After `close` the notification is only kept, for the next start. */
  notify(notification: Notification): void;
  /** Tries again to deliver what was not taken. Does nothing while something is being delivered. */
  offerAgain(): void;
  /** The notifications that are yet to be taken. */
  undelivered(): Notification[];
  /** How many tries have failed. */
  failures(): number;
  /** Ends what is under way; the log names what was not taken. */
  close(): Promise<void>;
}

interface WebhookLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

const timeoutMs = 5_000;
/** How long to wait before each further try; after the last it waits until it is offered again. */
const defaultPausesMs: readonly number[] = [1_000, 2_000, 4_000, 8_000];

/**
 * @param url where notifications are posted. User and password in it become basic authentication. All of it may be a
 *   secret (chat programs put theirs in the path), so the log names the host alone.
 * @param onTaken is called when a notification was taken.
 */
export function createWebhook(
  url: string,
  log: WebhookLog,
  pausesMs = defaultPausesMs,
  onTaken: () => void = () => undefined,
): Webhook {
  const target = new URL(url);
  const { host } = target;
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'hotrod-observatory' };
  if (target.username !== '' || target.password !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
    target.username = '';
    target.password = '';
  }
  const kept = new Map<string, Notification>();
  /** The alert names whose notifications are to be delivered now, in this order. */
  const due = new Set<string>();
  /** Notifications of which the log already says that they are not taken. */
  const refused = new WeakSet<Notification>();
  const closing = new AbortController();
  let failures = 0;
  let working: Promise<void> | null = null;

  /** One try. @returns why it failed, and whether another may succeed; null if it was taken. */
  async function post(body: string): Promise<{ reason: string; again: boolean } | null> {
    try {
      const response = await fetch(target, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual', // what is sent to this address must not go to another one
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return null;
      const again = response.status >= 500 || response.status === 408 || response.status === 429;
      return { reason: `status ${response.status}`, again };
    } catch (error) {
      return { reason: failureOf(error), again: !closing.signal.aborted };
    }
  }

  async function deliver(name: string, notification: Notification): Promise<void> {
    const body = JSON.stringify(notification);
    const about = { host, alert: name, status: notification.status };
    for (let tries = 1; ; tries += 1) {
      const failure = await post(body);
      if (failure === null) {
        // A newer one may have come in the meantime.
        if (kept.get(name) === notification) kept.delete(name);
        log.info(about, 'Told the webhook of an alert');
        onTaken();
        return;
      }
      if (closing.signal.aborted) return;
      failures += 1;
      const pauseMs = pausesMs[tries - 1];
      if (!failure.again || pauseMs === undefined) {
        if (!refused.has(notification)) {
          log.warn(
            { ...about, tries, reason: failure.reason },
            'The webhook does not take an alert; it is offered again at each look until it is taken',
          );
        }
        refused.add(notification);
        return;
      }
      await sleep(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
  }

  async function work(): Promise<void> {
    // A name that is added meanwhile is visited, too.
    for (const name of due) {
      due.delete(name);
      const notification = kept.get(name);
      if (notification && !closing.signal.aborted) await deliver(name, notification);
    }
  }

  function start(): void {
    working ??= work().finally(() => {
      working = null;
      // A notification may have come after the loop ended and before this line.
      if (due.size > 0) start();
    });
  }

  return {
    notify(notification) {
      const name = notification.groupLabels.alertname;
      const older = kept.get(name);
      kept.set(name, older ? superseding(older, notification) : notification);
      if (closing.signal.aborted) return;
      due.add(name);
      start();
    },
    offerAgain() {
      if (closing.signal.aborted || working) return;
      for (const name of kept.keys()) due.add(name);
      start();
    },
    undelivered: () => [...kept.values()],
    failures: () => failures,
    async close() {
      closing.abort();
      await working;
      if (kept.size > 0) log.warn({ host, alerts: [...kept.keys()] }, 'The webhook is yet to be told of these alerts');
    },
  };
}

/**
 * The message of fetch's error is only "fetch failed"; the error's cause says why. The cause's message may quote the
 * address, but its code does not.
 */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const cause = error.cause;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
