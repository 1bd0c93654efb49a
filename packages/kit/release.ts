/**
 * Every answer of a service says which release gave it, in a header. A release may change one service alone, so a caller
 * cannot tell from its own release which ones served it.
 */
export const releaseHeader = 'hotrod-release';

/** `service.version` as it may stand in a header and in telemetry: short, and of the characters of a version. */
const acceptable = /^[\w.+-]{1,64}$/;

/** A release that another process told; null if it told none, or told one that is not to be believed. */
export function acceptRelease(told: unknown): string | null {
  return typeof told === 'string' && acceptable.test(told) ? told : null;
}
