import { messageOf } from './refusal.ts';

/** Something that happened now, to be seen on the Observatory's charts. */
export interface Marker {
  /** `start`, `restart` or `deploy`. */
  type: string;
  message: string;
  /** Where the marker leads to. */
  url?: string;
}

/** Leaves markers. Nobody waits for them, and nothing stops because a chart lacks one. */
export interface Markers {
  /** Marks now. The marker is kept and sent later while the Observatory does not answer. */
  leave(marker: Marker): void;
  /** Gives up what is yet to be sent. */
  close(): void;
}

/**
 * How long one try may take, in milliseconds. What takes longer is not tried again: an Observatory that has read it may
 * store it yet, and a chart with the same deploy twice is worse than one that lacks it.
 */
const timeoutMs = 30_000;
/** How many markers wait at most; then the oldest is given up. A service that keeps ending must not fill the memory. */
const mostKept = 50;
/** After this long a marker is given up, in milliseconds: the telemetry around it is lost, too. */
const keptForMs = 3_600_000;

/**
 * Leaves markers over Honeycomb's markers API, which the Observatory serves, in the order in which things happened.
 *
 * @param observatory its URL; null leaves no marker.
 * @param report is called when a marker must wait, once until one is sent again, and when one is given up.
 * @param options.pauseMs how long to wait before the next try, milliseconds.
 * @param options.tryMs how long one try may take, milliseconds.
 * @param options.now the clock, Unix milliseconds.
 */
export function createMarkers(
  observatory: string | null,
  report: (news: string) => void,
  { pauseMs = 2_000, tryMs = timeoutMs, now = Date.now }: { pauseMs?: number; tryMs?: number; now?: () => number } = {},
): Markers {
  const kept: { atMs: number; marker: Marker }[] = [];
  const closing = new AbortController();
  let sending = false;
  let hasSaidSo = false;
  let timer: NodeJS.Timeout | undefined;

  /** One try. @returns why it failed, and whether another may succeed; null when the marker is there. */
  async function post({ atMs, marker }: (typeof kept)[number]): Promise<{ reason: string; again: boolean } | null> {
    try {
      const response = await fetch(`${observatory}/1/markers/__all__`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ start_time: Math.floor(atMs / 1000), ...marker }),
        signal: AbortSignal.any([AbortSignal.timeout(tryMs), closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return null;
      const again = response.status >= 500 || response.status === 408 || response.status === 429;
      return { reason: `it answered ${response.status}`, again };
    } catch (error) {
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      return isLate
        ? { reason: `it did not answer within ${tryMs / 1000} s`, again: false }
        : { reason: messageOf(error), again: true };
    }
  }

  function giveUp({ marker }: (typeof kept)[number], reason: string): void {
    report(`could not be told to mark "${marker.message}": ${reason}`);
  }

  async function send(): Promise<void> {
    if (sending || closing.signal.aborted) return;
    sending = true;
    clearTimeout(timer);
    for (let first = kept[0]; first; first = kept[0]) {
      const failure = await post(first);
      if (closing.signal.aborted) return;
      // It may have been given up for newer ones in the meantime.
      if (failure && kept[0] !== first) continue;
      if (failure?.again && now() - first.atMs < keptForMs) {
        if (!hasSaidSo)
          report(`cannot be told to mark "${first.marker.message}" now (${failure.reason}): it is told later`);
        hasSaidSo = true;
        timer = setTimeout(() => void send(), pauseMs).unref();
        break;
      }
      if (kept[0] === first) kept.shift();
      if (failure) giveUp(first, failure.reason);
      else hasSaidSo = false;
    }
    sending = false;
  }

  return {
    leave(marker) {
      if (observatory === null || closing.signal.aborted) return;
      kept.push({ atMs: now(), marker });
      const surplus = kept.length > mostKept ? kept.shift() : undefined;
      if (surplus) giveUp(surplus, `${mostKept} newer ones wait`);
      void send();
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
