import { parseArgs } from 'node:util';

import { releasableServices } from '../../targets/target.ts';
import { type Command, type CommandContext, exitCodes } from '../command.ts';
import { type CreateTarget, createTarget, targetContext, targetNameOf } from '../record/target.ts';

const usage = `Says which release of each service runs, and whether it is ready.

  release status [--target stack|compose|kubernetes]

  --target NAME    where releases run; default DEPLOY_TARGET

Exit codes: 0 all are ready, 1 one is not or the target cannot be asked, 2 wrong use.
`;

export const createStatusCommand = (create: CreateTarget = createTarget): Command => ({
  summary: 'says which release of each service runs',
  usage,
  run: async (args: string[], context: CommandContext) => {
    const { values } = parseArgs({ args, options: { target: { type: 'string' } } as const });
    const target = await create(targetNameOf(values.target, context.env));
    const releases = await target.current(targetContext(context));
    let allReady = true;
    for (const service of releasableServices) {
      const release = releases[service];
      allReady &&= release?.ready === true;
      const state = release === undefined ? 'is not there' : `${release.version}${release.ready ? '' : ', not ready'}`;
      context.stdout(`${service.padEnd(9)} ${state}\n`);
    }
    return allReady ? exitCodes.done : exitCodes.failed;
  },
});
