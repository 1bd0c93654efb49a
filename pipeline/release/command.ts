/** The program was called in a way that it does not know: nothing has been done. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a command needs of the process it runs in. */
export interface CommandContext {
  env: Readonly<Record<string, string | undefined>>;
  /** Takes a result, as it is. */
  stdout: (text: string) => void;
  /** Takes one line for a person, without its line end. */
  stderr: (line: string) => void;
  /** Aborted when the process is told to end (SIGINT, SIGTERM). */
  signal: AbortSignal;
}

/** One word after `release`. */
export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** What `--help` prints. */
  usage: string;
  /**
   * @returns the exit code.
   * @throws {UsageError} for arguments it does not know; any other error if it fails.
   */
  run(args: string[], context: CommandContext): Promise<number>;
}

export const exitCodes = { done: 0, failed: 1, usage: 2, worse: 3, inconclusive: 4 } as const;

/** A length of time as people write it: `90s`, `10m`, `2h`, `500ms`. @returns milliseconds. @throws {UsageError} */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ''];
  if (!match || unit === undefined) {
    throw new UsageError(`${option} must be a duration such as 90s, 10m or 2h, not "${text}"`);
  }
  return Number(match[1]) * unit;
}

/** A whole number from `min` to `max`. @throws {UsageError} */
export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${option} must be a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

/** A length of time for people, to two units: `2 h 3 min`, `41 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
