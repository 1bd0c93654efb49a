/**
 * `npm run bench [-- SECTION…]`: what telemetry costs, what the suite bears, what it needs. Prints tables; asserts
 * nothing, because machines differ. Linux, for it reads CPU and memory from /proc.
 *
 * Sections: cost, saturation, events, memory, start, pairs, growth; go (needs HOTROD_GO, the binary of the original in
 * Go); soak, only if it is named, because it takes an hour.
 * Environment: BENCH_SECONDS (default 30) for each measurement, BENCH_SOAK_MINUTES (default 60).
 */
import { cpus } from 'node:os';

import { readCommandLine } from '../packages/kit/command-line.ts';
import { benchGoHotrod } from './go-hotrod.ts';
import { benchGrowth } from './growth.ts';
import { benchPairs } from './pairs.ts';
import { benchRideEvents } from './ride-events.ts';
import { benchEverything, benchMemory, benchSoak, benchStart } from './stack-needs.ts';
import { benchSaturation, benchTelemetryCost } from './telemetry-cost.ts';

const seconds = Number(process.env['BENCH_SECONDS'] ?? 30);
const goProgram = process.env['HOTROD_GO'];

const sections: Record<string, () => Promise<void>> = {
  cost: () => benchTelemetryCost(seconds),
  saturation: () => benchSaturation(seconds),
  events: () => benchRideEvents(seconds),
  memory: async () => {
    await benchMemory(seconds);
    await benchEverything();
  },
  start: () => benchStart(),
  pairs: () => benchPairs(goProgram, seconds),
  growth: () => benchGrowth(goProgram, [5, 20, 40, 80, 120], seconds),
  ...(goProgram ? { go: () => benchGoHotrod(goProgram, [40, 100], seconds) } : {}),
};

const { positionals } = readCommandLine('bench', {
  help: `What telemetry costs, what the suite bears, what it needs. Linux.

  npm run bench [-- SECTION…]     all of them, or some: ${Object.keys(sections).join(', ')};
                                  soak only if you name it

Settings, from the environment:
  BENCH_SECONDS
      how long each measurement takes, in seconds (default 30)
  BENCH_SOAK_MINUTES
      how long the soak takes (default 60)
  HOTROD_GO
      the binary of the original in Go, for the section go and beside ours in pairs and growth`,
  takesWords: true,
});
/** What runs only if it is named. */
const long: Record<string, () => Promise<void>> = {
  soak: () => benchSoak(Number(process.env['BENCH_SOAK_MINUTES'] ?? 60)),
};
const unknown = positionals.filter((name) => !(name in sections || name in long));
if (unknown.length > 0) {
  console.error(
    `Unknown section: ${unknown.join(', ')}. There are: ${Object.keys({ ...sections, ...long }).join(', ')}${goProgram ? '' : ' (and go, with HOTROD_GO set to its binary)'}.`,
  );
  process.exit(2);
}
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`);
for (const name of positionals.length > 0 ? positionals : Object.keys(sections))
  await (sections[name] ?? long[name])?.();
