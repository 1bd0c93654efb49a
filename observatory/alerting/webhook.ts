import { setTimeout as sleep } from 'node:timers/promises';

import type { Notification } from './notification.ts';

/** Takes notifications and delivers them, in order, behind whoever calls. */
export interface Webhook {
  /** Never waits and never throws. Where too many wait already, the oldest is given up. */
  notify(notification: Notification): void;
  /** Notifications that were given up. */
  lost(): number;
  /** Ends what is under way; what waits is given up. */
  close(): Promise<void>;
}

interface WebhookLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

/** More than this do not wait: whoever was away so long looks at the page first. */
const mostWaiting = 100;
const timeoutMs = 5_000;
/** How long to wait before each further try. */
const defaultPausesMs: readonly number[] = [1_000, 2_000, 4_000, 8_000];

/**
 * @param url where notifications are posted. User and password in it become basic authentication. All of it may be a
 *   secret (chat programs put theirs in the path), so the log names the host alone.
 */
export function createWebhook(url: string, log: WebhookLog, pausesMs = defaultPausesMs): Webhook {
  const target = new URL(url);
  const { host } = target;
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'hotrod-observatory' };
  if (target.username !== '' || target.password !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
    target.username = '';
    target.password = '';
  }
  const waiting: Notification[] = [];
  const closing = new AbortController();
  let lost = 0;
  let working: Promise<void> | null = null;

  /** One try. @returns why it failed, and whether another may succeed; null where it was taken. */
  async function post(body: string): Promise<{ reason: string; again: boolean } | null> {
    try {
      const response = await fetch(target, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual', // what is told to this place is not told to another
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

  async function deliver(notification: Notification): Promise<void> {
    const body = JSON.stringify(notification);
    const about = { host, alert: notification.groupLabels['alertname'], status: notification.status };
    for (let tries = 1; ; tries += 1) {
      const failure = await post(body);
      if (failure === null) {
        log.info(about, 'Told the webhook of an alert');
        return;
      }
      const pauseMs = pausesMs[tries - 1];
      if (!failure.again || pauseMs === undefined) {
        lost += 1;
        log.warn({ ...about, tries, reason: failure.reason }, 'The webhook does not take an alert; it is given up');
        return;
      }
      await sleep(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined && !closing.signal.aborted; next = waiting.shift()) {
      await deliver(next);
    }
  }

  return {
    notify(notification) {
      if (closing.signal.aborted) return;
      if (waiting.length >= mostWaiting) {
        waiting.shift();
        lost += 1;
      }
      waiting.push(notification);
      working ??= work().finally(() => {
        working = null;
      });
    },
    lost: () => lost,
    async close() {
      closing.abort();
      await working;
    },
  };
}

/** fetch says "fetch failed", its cause says why; its message may quote the address, its code does not. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const cause = error.cause;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
