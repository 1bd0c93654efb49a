import type { BodyPatience } from './body.ts';
import { rpcCodes } from './answers.ts';
import { noRoomYet, type Refusal } from './taking.ts';

/** A call whose message is read when it is its turn. */
export interface SlotUser {
  /** Its message may be read now. */
  begin(): void;
  /** Ends it with this answer; it leaves by itself then. */
  cut(refusal: Refusal): void;
}

/** A call's place; each method may be called more than once. */
export interface Slot {
  /** Its message has come, and nothing more will. */
  messageCame(): void;
  /** The call is over: the next one's turn. */
  leave(): void;
}

/**
 * Bounds how many messages are in memory at once: the others wait, unread, in the network. While calls wait, the call
 * whose message has been arriving for longest gives up its slot, so that slow senders keep nobody out.
 *
 * @param atOnce how many messages are read or decoded at once.
 * @param waitingAtMost how many calls may wait; others are refused.
 */
export function createReadingSlots(
  atOnce: number,
  waitingAtMost: number,
  { wholeMs, slowMs }: Pick<BodyPatience, 'wholeMs' | 'slowMs'>,
): { enter(user: SlotUser): Slot } {
  const waiting = new Set<Entry>();
  const reading = new Set<Entry>(); // in the order in which they began
  let inUse = 0;
  let look: NodeJS.Timeout | undefined;

  interface Entry extends SlotUser {
    state: 'waiting' | 'reading' | 'decoding' | 'left';
    sinceMs: number;
    timer?: NodeJS.Timeout;
  }

  function grant(entry: Entry): void {
    inUse += 1;
    entry.state = 'reading';
    entry.sinceMs = performance.now();
    entry.timer = setTimeout(() => cut(entry, late(wholeMs)), wholeMs);
    reading.add(entry);
    entry.begin();
  }

  function cut(entry: Entry, refusal: Refusal): void {
    entry.cut(refusal);
    leave(entry);
  }

  function endReading(entry: Entry): void {
    clearTimeout(entry.timer);
    reading.delete(entry);
  }

  function leave(entry: Entry): void {
    const { state } = entry;
    entry.state = 'left';
    if (state === 'left') return;
    if (state === 'waiting') {
      waiting.delete(entry);
      return;
    }
    endReading(entry);
    inUse -= 1;
    const [next] = waiting;
    if (!next) return;
    waiting.delete(next);
    grant(next);
  }

  /** Called while calls wait, as often as a slow one may be among those that are read. */
  function makeRoom(): void {
    look = undefined;
    const nowMs = performance.now();
    let wanted = waiting.size;
    for (const entry of reading) {
      if (wanted === 0 || nowMs - entry.sinceMs < slowMs) break;
      wanted -= 1;
      cut(entry, tooSlow);
    }
    lookLater();
  }

  function lookLater(): void {
    if (waiting.size > 0) look ??= setTimeout(makeRoom, Math.max(slowMs / 4, 10));
  }

  return {
    enter(user) {
      const entry: Entry = { ...user, state: 'waiting', sinceMs: 0 };
      if (inUse < atOnce) grant(entry);
      else if (waiting.size < waitingAtMost) waiting.add(entry);
      else cut(entry, tooMany);
      lookLater();
      return {
        messageCame() {
          if (entry.state !== 'reading') return;
          entry.state = 'decoding';
          endReading(entry);
        },
        leave: () => leave(entry),
      };
    },
  };
}

const tooMany = noRoomYet('Too many calls wait to be read; send this again.');
const tooSlow = noRoomYet('Others needed the room of this message, which came too slowly.');

function late(ms: number): Refusal {
  return {
    status: 408,
    code: rpcCodes.deadlineExceeded,
    message: `The message did not come within ${ms / 1000} s; send it again.`,
  };
}
