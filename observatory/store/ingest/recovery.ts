import type { Clock } from '../../async/clock.ts';
import type { Database } from '../database.ts';
import { failureKind, type FailureKind, failureSentence } from '../failures.ts';
import type { IngestLog } from './ingest-options.ts';

/** After this many failed attempts the file is opened anew. After as many more the Observatory gives up. */
const attemptsUntilReattached = 6;
const attemptsToReattach = 2;
/**
 * How many attempts to store the waiting items are made when the ingest closes: its process has a few seconds to end.
 */
const attemptsAtEnd = 8;
const retryAtEndMs = 250;

/** Repeats the ingest's work until it succeeds, and knows what is wrong meanwhile. */
export interface Recovery {
  /**
   * Does a piece of the ingest's work, and again until it succeeds. What was acknowledged is held meanwhile, and nothing else
   * is taken. Between two attempts it does what helps against the failure.
   *
   * @throws the last failure when nothing helps, or when the ingest closes and there is no more time.
   */
  untilDone<T>(work: (attempt: number) => Promise<T>): Promise<T>;
  /** What is wrong now; null when all is well. */
  failure(): FailureKind | null;
  /** Notes a failure of work that is not repeated. */
  failed(error: unknown): void;
  /** Opens the file anew after a checkpoint that let it go. */
  reattachDetached(): Promise<void>;
  /** All is well: forgets the failure, lets questions run. */
  recovered(): void;
  /** Stops questions and holds them off until all is well. */
  holdQuestions(): void;
  /** Whether only a new process helps. */
  isOver(): boolean;
  /** From now on fewer attempts are made, and they follow each other faster. */
  close(): void;
}

/** @param onFatal is called once, with a sentence, when only a new process helps. */
export function createRecovery(
  database: Pick<Database, 'reattach' | 'holdQuestions'>,
  log: IngestLog,
  clock: Clock,
  retryMs: number,
  onFatal: (reason: string) => void,
): Recovery {
  let failure: FailureKind | null = null;
  let isOver = false;
  let isClosing = false;
  let releaseQuestions: (() => void) | null = null;

  const waitToRetry = (): Promise<void> => clock.wait(isClosing ? retryAtEndMs : retryMs);

  function recovered(): void {
    failure = null;
    releaseQuestions?.();
    releaseQuestions = null;
  }

  function holdQuestions(): void {
    releaseQuestions ??= database.holdQuestions();
  }

  async function recover(error: unknown, attempt: number): Promise<void> {
    const kind = failureKind(error);
    failure = kind;
    if (isOver) throw error;
    log.error({ err: error, attempt }, `Nothing can be stored: ${failureSentence(kind)}`);
    if (kind === 'broken') throw endWith(kind, error);
    if (isClosing && attempt >= attemptsAtEnd) throw error;
    if (kind !== 'room' && attempt >= 2 * attemptsUntilReattached) throw endWith(kind, error);
    if (kind === 'memory') holdQuestions();
    if (kind === 'detached' || (kind !== 'room' && attempt % attemptsUntilReattached === 0)) await reattach();
    else await waitToRetry();
  }

  /** Opens the file anew, in two attempts. When its disk is full, it tries until there is room. */
  async function reattach(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await database.reattach();
        log.error({}, 'The database file was opened anew');
        return;
      } catch (error) {
        const kind = failureKind(error);
        log.error({ err: error, attempt }, 'The database file could not be opened anew');
        if (isClosing && attempt >= attemptsAtEnd) throw error;
        if (kind !== 'room' && attempt >= attemptsToReattach) throw endWith(kind, error);
        await waitToRetry();
      }
    }
  }

  /** Says once that only a new process helps; returns the error to throw. */
  function endWith(kind: FailureKind, error: unknown): unknown {
    if (!isOver && !isClosing) onFatal(failureSentence(kind));
    isOver = true;
    return error;
  }

  return {
    async untilDone(work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const result = await work(attempt);
          if (attempt > 1) recovered();
          return result;
        } catch (error) {
          await recover(error, attempt);
        }
      }
    },
    failure: () => failure,
    failed(error) {
      failure ??= failureKind(error);
    },
    async reattachDetached() {
      failure = 'detached';
      await reattach();
      recovered();
    },
    recovered,
    holdQuestions,
    isOver: () => isOver,
    close() {
      isClosing = true;
    },
  };
}
