/**
 * `npm run bench:faults [-- FAULT…]`: what is lost, and for how long, when parts are killed, stopped, flooded or overloaded.
 * Prints Markdown tables; asserts nothing, because machines differ. Linux.
 *
 * Names on the command line: only the faults that contain one of them (`kill`, `disk`, `flood`).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { benchObservatoryFaults } from './observatory.ts';

const { positionals } = parseArgs({ allowPositionals: true });
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`);
await benchObservatoryFaults(positionals);
