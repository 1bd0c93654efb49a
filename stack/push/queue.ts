import type { Push } from './push.ts';

/** A pipeline that runs for a push. */
export interface PipelineRun {
  id: string;
  /** Where it can be watched. */
  url: string;
  /** Resolves when it is over, whatever came of it. */
  ended: Promise<void>;
}

/** Pushes, of which one is released at a time. */
export interface PushQueue {
  /** Resolves when the pipeline of the push is over, or a later push has taken its place. */
  push(push: Push, tell: (line: string) => void): Promise<void>;
}

interface Waiting {
  push: Push;
  /** Ends the wait: with null it is its turn, otherwise a later push has come. */
  next: (superseded: Push | null) => void;
}

/**
 * @param start begins the pipeline of a push.
 */
export function createPushQueue(start: (push: Push, tell: (line: string) => void) => PipelineRun): PushQueue {
  /** The push whose turn it is; `run` is null until its pipeline has begun. */
  let running: { push: Push; run: PipelineRun | null } | null = null;
  let waiting: Waiting | null = null;

  /** Resolves to whether its turn has come. If so, it is the one that runs before any other can be. */
  async function turn(push: Push, tell: (line: string) => void): Promise<boolean> {
    if (!running) {
      running = { push, run: null };
      return true;
    }
    tell(
      waiting
        ? `${short(waiting.push)} waited, and gives way to this push.`
        : `The release of ${short(running.push)} is not over yet${running.run ? `: ${running.run.url}` : '.'}`,
    );
    tell('This push waits for it. It goes on if you close the terminal.');
    waiting?.next(push);
    const superseded = await new Promise<Push | null>((next) => {
      waiting = { push, next };
    });
    if (superseded) tell(`${short(superseded)} was pushed meanwhile: it is released instead of ${short(push)}.`);
    return superseded === null;
  }

  function over(): void {
    running = waiting ? { push: waiting.push, run: null } : null;
    const next = waiting;
    waiting = null;
    next?.next(null);
  }

  return {
    async push(push, tell) {
      if (!(await turn(push, tell))) return;
      try {
        const run = start(push, tell);
        running = { push, run };
        await run.ended;
      } finally {
        over();
      }
    },
  };
}

function short({ revision }: Push): string {
  return revision.slice(0, 7);
}
