import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** How often the log is looked at, in milliseconds. */
const lookEveryMs = 500;
/** More than Postgres writes between two looks. Of a longer piece, only the end is read. */
const mostBytes = 65_536;

/**
 * Tells when Postgres loses one of its processes. The server itself lives on then, and its supervisor sees nothing: it
 * ends all connections, repairs the database and takes new ones, within a second or two. Only its log tells of that.
 *
 * @param log the file that Postgres writes its log to; what is in it already is not told.
 * @param report is called with a clause to follow "postgres".
 * @returns ends the watch.
 */
export function watchCrashes(log: string, report: (news: string) => void): () => void {
  let read = sizeOf(log);
  const timer = setInterval(() => {
    const size = sizeOf(log);
    if (size < read) read = 0; // the file was begun anew
    if (size === read) return;
    const news = crashIn(readFrom(log, Math.max(read, size - mostBytes), size));
    read = size;
    if (news) report(news);
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** What a piece of Postgres' log says about a lost process; null if it says nothing of one. */
function crashIn(log: string): string | null {
  // "server process" up to Postgres 17, "client backend" and the like since.
  const [, how] = /\(PID \d+\) (was terminated by signal \d+[^\n]*)/.exec(log) ?? [];
  return how === undefined
    ? null
    : `lost one of its processes, which ${how.trim()}: it cuts all connections and repairs itself; rides fail meanwhile`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(path: string, from: number, to: number): string {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(to - from);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from)).toString();
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return ''; // trimmed just now
  }
}
