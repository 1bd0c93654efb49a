/**
 * What a failure of DuckDB means for the ingest, and the sentence that a person reads of it. DuckDB's own text goes to the
 * log: it names tables and statements that nobody outside of this directory knows.
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

/** The patterns are of DuckDB 1.5; the first that matches decides, so that a cause comes after what it led to. */
const patterns: readonly (readonly [FailureKind, RegExp])[] = [
  ['broken', /FATAL Error|database has been invalidated because of a previous fatal error|INTERNAL Error/],
  ['detached', /has been invalidated|Detach and reattach|does not exist[^]*"store"/],
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
