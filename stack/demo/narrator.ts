import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

import type { Paint } from '../table.ts';

/** Tells the story, line by line. */
export interface Narrator {
  /** A new part of the story. With `--step` it waits for Enter first. */
  part(title: string): Promise<void>;
  say(line: string): void;
  /** Where to look. */
  look(what: string, url: string): void;
  /** Something that was expected, and has happened. */
  proof(what: string): void;
  /** A line of a program that runs. */
  quote(line: string): void;
  /** What is waited for. It is said again while the wait goes on; on a terminal, in place. */
  waiting(what: string): void;
}

/** How often a log, which is not a terminal, hears of the same wait, in milliseconds. */
const sayAgainMs = 10_000;

export function createNarrator(options: {
  output: Writable & { isTTY?: boolean };
  input: Readable;
  step: boolean;
  paint: Paint;
}): Narrator {
  const { output, input, step, paint } = options;
  let parts = 0;
  let last = '';
  let lastMs = -Infinity;
  const line = (text: string) => {
    if (last !== '' && output.isTTY) output.write('\r\u001b[K');
    last = '';
    output.write(`${text}\n`);
  };
  return {
    async part(title) {
      parts += 1;
      line('');
      if (step && parts > 1) {
        const reader = createInterface({ input, output });
        await reader.question(paint('gray', 'Enter goes on … '));
        reader.close();
      }
      line(paint('bold', `${parts}. ${title}`));
    },
    say: (text) => line(`   ${text}`),
    look: (what, url) => line(`   ${paint('gray', `${what}:`)} ${paint('cyan', url)}`),
    proof: (what) => line(`   ${paint('green', '✓')} ${what}`),
    quote: (text) => line(`   ${paint('gray', '│')} ${text}`),
    waiting(what) {
      const nowMs = performance.now();
      if (what === last || (!output.isTTY && nowMs - lastMs < sayAgainMs)) return;
      last = what;
      lastMs = nowMs;
      if (output.isTTY) output.write(`\r\u001b[K   ${paint('gray', `… ${what}`)}`);
      else output.write(`   … ${what}\n`);
    },
  };
}
