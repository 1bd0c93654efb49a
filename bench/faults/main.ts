/**
 * `npm run bench:faults [-- FAULT…]`: what is lost, and for how long, when parts of the running suite are killed, stopped,
 * flooded or overloaded. Prints Markdown tables; asserts nothing, because machines differ. Linux; the overload needs k6,
 * in HOTROD_TOOLS or on the PATH.
 *
 * Names on the command line: only the faults that contain one of them (`kill`, `postgres`, `disk`, `flood`, `overload`).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { benchObservatoryFaults } from './observatory.ts';
import { benchSuiteFaults } from './suite.ts';

const { positionals } = parseArgs({ allowPositionals: true });
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`);
await benchSuiteFaults(positionals);
await benchObservatoryFaults(positionals);
