import { messageOf } from './refusal.ts';

/** How long a marker may take, in milliseconds: nothing waits for it. */
const timeoutMs = 5_000;

/**
 * Marks now on the Observatory's charts, over Honeycomb's markers API, which it serves.
 *
 * @param observatory its URL; null leaves no marker.
 * @param marker type: `start`, `restart` or `deploy`; url: where the marker leads to.
 * @param report is called when that fails: nothing stops because a chart lacks a marker.
 */
export async function leaveMarker(
  observatory: string | null,
  marker: { type: string; message: string; url?: string },
  report: (news: string) => void,
): Promise<void> {
  if (observatory === null) return;
  try {
    const response = await fetch(`${observatory}/1/markers/__all__`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ start_time: Math.floor(Date.now() / 1000), ...marker }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  } catch (error) {
    report(`could not be told to mark "${marker.message}": ${messageOf(error)}`);
  }
}
