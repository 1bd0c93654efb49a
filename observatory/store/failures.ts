/**
 * What a failure of DuckDB means for the ingest, and the sentence that a person reads of it. DuckDB's own text goes to
 * the log, because it names tables and statements that are only known in this directory.
 */
export type FailureKind =
  /** The file was let go after a checkpoint that failed: it must be attached anew. */
  | 'detached'
  /** DuckDB as a whole refuses to go on: only a new process helps. */
  | 'broken'
  /** The disk is full, or the file may not grow. */
  | 'room'
  /** Beyond the memory that DuckDB may use. */
  | 'memory'
  /** The file does not hold what DuckDB wrote into it. */
  | 'damage'
  | 'other';

/** The patterns are of DuckDB 1.5; the first that matches decides, so a consequence comes before its cause. */
const patterns: readonly (readonly [FailureKind, RegExp])[] = [
  ['broken', /FATAL Error|database has been invalidated because of a previous fatal error|INTERNAL Error/],
  ['detached', /has been invalidated|Detach and reattach|Catalog "store" does not exist/],
  ['memory', /Out of Memory|failed to (?:allocate|pin)|max_temp_directory_size/i],
  ['room', /No space left|Disk quota exceeded|File too large|not enough space/i],
  ['damage', /Corrupt|checksum|Serialization Error|failed to read|Could not read|not a valid DuckDB|WAL file/i],
  ['room', /Could not write|IO Error/],
];

export function failureKind(error: unknown): FailureKind {
  const text = error instanceof Error ? error.message : String(error);
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
}

const sentences: Readonly<Record<FailureKind, string>> = {
  detached: 'the database file could not be written and is opened anew; free some room on its disk',
  broken: 'the database stopped and must be started anew',
  room: 'the disk of the database file has no room left; free some, and what waits is stored',
  memory: 'the database has too little memory for what comes in (OBSERVATORY_MEMORY_LIMIT_MB)',
  damage: 'the database file is damaged; the log says where',
  other: 'what came in last could not be stored; the log says why',
};

/** What is wrong, for a person who looks at `/readyz`. */
export function failureSentence(kind: FailureKind): string {
  return sentences[kind];
}

/** The store's file cannot be opened; the message is a sentence for whoever starts the Observatory. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  /** Whether the file is damaged, so that only starting with another one helps. */
  readonly damaged: boolean;

  constructor(message: string, options: { damaged?: boolean } = {}) {
    super(message);
    this.damaged = options.damaged ?? false;
  }
}

/** The first line of DuckDB's message, short enough for a sentence. */
function shortReason(text: string): string {
  const [line = ''] = text.replace(/^Error: /, '').split('\n');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

/** Why the file at `path` cannot be opened or read at the start, and what to do about it. */
export function openFailure(path: string, error: unknown): Error {
  if (error instanceof OpenError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const holder = /lock is held.*\(PID (\d+)\)/.exec(text)?.[1];
  if (holder !== undefined)
    return new OpenError(`${path} is in use by process ${holder}: another Observatory runs on it.`);
  if (/Permission denied|Read-only file system/i.test(text)) {
    return new OpenError(`${path} may not be written by this user: give it to the user, or set OBSERVATORY_DATA_DIR.`);
  }
  if (/not a valid DuckDB/.test(text)) {
    return new OpenError(`${path} is not the database of an Observatory: move it away.`);
  }
  if (failureKind(error) === 'room') {
    return new OpenError(`${path} cannot be written, for its disk is full: free some room, and start again.`);
  }
  // The error is not from DuckDB: it is a fault of ours.
  if (!/^(?:Error: )?[A-Z][A-Za-z ]+ Error: /.test(text)) return error instanceof Error ? error : new Error(text);
  const what = /wal/i.test(text) ? `${path}.wal, the last seconds before ${path} was closed, is` : `${path} is`;
  return new OpenError(
    `${what} damaged. Start with --start-anew to begin an empty database and keep this one beside it, or move ` +
      `${path} and ${path}.wal away. DuckDB says: ${shortReason(text)}`,
    { damaged: true },
  );
}
