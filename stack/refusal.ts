/**
 * A reason not to go on that a person can act on: its message is one clear line that says what to do. `main.ts` prints
 * it without a stack trace and ends with {@link Refusal.exitCode}.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** 2 for a command line that is not understood, 1 for everything else. */
  readonly exitCode: number;

  constructor(message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
