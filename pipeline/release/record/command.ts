import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import type { Releases } from '../../targets/target.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from '../command.ts';
import { describeVersions } from '../verify/report.ts';
import type { ReleaseRecord } from './record-file.ts';
import { createTarget, targetContext, targetNameOf } from './target.ts';

const usage = `Notes which releases run, before a deploy changes that: what to go back to, and what to compare with.

  release record --file PATH [--target stack|compose|kubernetes]

  --file PATH    where \`release rollback --record\` and \`release verify --record\` find it
  --target NAME  where releases run; default DEPLOY_TARGET

Exit codes: 0 done, 1 the target could not be asked, 2 wrong use.
`;

export const createRecordCommand = (create = createTarget): Command => ({
  summary: 'notes which releases run, before a deploy changes that',
  usage,
  run: async (args: string[], context: CommandContext) => {
    const options = { file: { type: 'string' }, target: { type: 'string' } } as const;
    const { file, target: given } = parseArgs({ args, options }).values;
    if (!file) throw new UsageError('record needs --file');
    const target = await create(targetNameOf(given, context.env));
    const record = recordOf(await target.current(targetContext(context)), Date.now());
    writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(`${file}.new`, file);
    context.stdout(`${target.name} runs ${describeVersions(record.releases)}\n`);
    return exitCodes.done;
  },
});

/** @param recordedMs Unix milliseconds. */
export function recordOf(releases: Releases, recordedMs: number): ReleaseRecord {
  const services = Object.entries(releases);
  return {
    recordedMs,
    releases: Object.fromEntries(services.map(([service, { version }]) => [service, version])),
    revisions: Object.fromEntries(services.map(([service, { revision }]) => [service, revision])),
  };
}
