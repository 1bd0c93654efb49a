import { setTimeout as sleep } from 'node:timers/promises';

/** Slack's own place for later answers. */
const slackOrigin = 'https://hooks.slack.com';
const timeoutMs = 5_000;
const defaultPausesMs: readonly number[] = [1_000, 3_000, 9_000];

/**
 * The address for a later answer, if it is one that may be asked: Slack's, or one of a configured origin. The address
 * comes with the request. Without this check, whoever can sign could have this program ask anything in its network.
 *
 * @param origins further ones, such as `https://chat.example.com`.
 * @returns null for every other address.
 */
export function responseAddress(text: string, origins: readonly string[]): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.username !== '' || url.password !== '') return null;
  return [slackOrigin, ...origins].includes(url.origin) ? url : null;
}

/**
 * Sends a later answer; tries a few times.
 *
 * @returns null if it was taken, else why not. The reason leaves the address out, which is a secret of its own.
 */
export async function respond(
  address: URL,
  message: { response_type: 'in_channel' | 'ephemeral'; text: string },
  pausesMs = defaultPausesMs,
): Promise<string | null> {
  for (let tries = 0; ; tries += 1) {
    const failure = await post(address, JSON.stringify(message));
    const pauseMs = pausesMs[tries];
    if (failure === null || !failure.again || pauseMs === undefined) return failure?.reason ?? null;
    await sleep(pauseMs);
  }
}

async function post(address: URL, body: string): Promise<{ reason: string; again: boolean } | null> {
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual', // which could lead anywhere
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (response.ok) return null;
    return { reason: `status ${response.status}`, again: response.status >= 500 || response.status === 429 };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
    return { reason: cause && 'code' in cause ? String(cause.code) : 'no answer', again: true };
  }
}

/** Text as Slack shows it, whatever is in it: https://docs.slack.dev/messaging/formatting-message-text#escaping */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Lines of a program, so that nothing in them ends the block. */
export function codeBlock(lines: string): string {
  return `\`\`\`\n${escapeText(lines).replaceAll('```', "'''")}\n\`\`\``;
}
