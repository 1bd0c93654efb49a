/**
 * `npm run bench:faults [-- FAULT…]`: what is lost, and for how long, when parts of the running suite are killed, stopped,
 * flooded or overloaded. Prints Markdown tables; asserts nothing, because machines differ. Linux; the overload needs k6,
 * in HOTROD_TOOLS or on the PATH.
 *
 * Names on the command line: only the faults that contain one of them (`kill`, `postgres`, `disk`, `flood`, `overload`).
 */
import { cpus } from 'node:os';

import { readCommandLine } from '../../packages/kit/command-line.ts';
import { benchObservatoryFaults } from './observatory.ts';
import { benchSuiteFaults } from './suite.ts';

const { positionals } = readCommandLine('bench:faults', {
  help: `What is lost, and for how long, when parts of the running suite fail. Linux.

  npm run bench:faults [-- FAULT…]    all of them, or those whose name contains one of these words, such as
                                      kill, postgres, disk, flood, overload`,
  takesWords: true,
});
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`);
await benchSuiteFaults(positionals);
await benchObservatoryFaults(positionals);
