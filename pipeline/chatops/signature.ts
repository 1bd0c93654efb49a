import { createHmac, timingSafeEqual } from 'node:crypto';

/** Why a request is not taken for one of Slack's. */
export type SignatureFault = 'unsigned' | 'stale' | 'wrong' | 'replayed' | 'full';

/** Tells requests that are signed, fresh and new from all others. */
export interface SignatureCheck {
  /**
   * @param timestamp and `signature`: the headers `X-Slack-Request-Timestamp` and `X-Slack-Signature`.
   * @param body the body as it came, byte for byte.
   * @returns null if it is signed, not older than five minutes, and not seen before.
   */
  check(timestamp: string | undefined, signature: string | undefined, body: Buffer): SignatureFault | null;
}

/** How far the time of a request may be from ours, as Slack recommends. */
const windowMs = 300_000;
/** Signatures that are remembered: far more than people send in ten minutes. */
const mostRemembered = 10_000;

/**
 * Slack's signature, version 0: HMAC-SHA256 over `v0:timestamp:body`.
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 *
 * @param now the clock, Unix milliseconds.
 */
export function createSignatureCheck(secret: string, now: () => number = Date.now): SignatureCheck {
  /** When each signature may be forgotten: its request would be stale by then. In order of arrival. */
  const seen = new Map<string, number>();

  function forget(): void {
    for (const [signature, untilMs] of seen) if (untilMs <= now()) seen.delete(signature);
  }

  return {
    check(timestamp, signature, body) {
      if (timestamp === undefined || signature === undefined) return 'unsigned';
      if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return 'unsigned';
      const sentMs = Number(timestamp) * 1000;
      if (Math.abs(now() - sentMs) > windowMs) return 'stale';
      const expected = Buffer.from(sign(secret, timestamp, body));
      // Both have 67 characters by now.
      if (!timingSafeEqual(expected, Buffer.from(signature))) return 'wrong';
      forget();
      if (seen.has(signature)) return 'replayed';
      if (seen.size >= mostRemembered) return 'full';
      seen.set(signature, sentMs + windowMs + 1);
      return null;
    },
  };
}

/** The value of `X-Slack-Signature` for a request. */
export function sign(secret: string, timestamp: string, body: Buffer | string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
}
