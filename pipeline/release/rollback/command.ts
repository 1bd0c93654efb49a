import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { releasableServices, type Releases, type ServiceName } from '../../targets/target.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from '../command.ts';
import { parseRecord, type ReleaseRecord } from '../record/record-file.ts';
import { createTarget, targetContext, targetNameOf } from '../record/target.ts';
import { describeVersions } from '../verify/report.ts';

const usage = `Puts back what ran before a deploy, and asks afterwards whether that runs.

  release rollback [--record FILE] [--service NAME]… [--target stack|compose|kubernetes]

  --record FILE    what \`release record\` wrote before the deploy. Without it: the release before the last one, as the
                   target remembers it
  --service NAME   ${releasableServices.join(', ')}; default: those of the record, or all of them. With a record,
                   services that run what it says are left alone
  --target NAME    where releases run; default DEPLOY_TARGET

Exit codes: 0 what ran before runs again and is ready, 1 it does not, 2 wrong use.
`;

export const createRollbackCommand = (create = createTarget): Command => ({
  summary: 'puts back what ran before a deploy',
  usage,
  run: async (args: string[], context: CommandContext) => {
    const options = {
      record: { type: 'string' },
      service: { type: 'string', multiple: true, default: [] as string[] },
      target: { type: 'string' },
    } as const;
    const values = parseArgs({ args, options }).values;
    const named = readServices(values.service);
    const target = await create(targetNameOf(values.target, context.env));
    const record = values.record === undefined ? null : parseRecord(values.record, readFileSync(values.record, 'utf8'));
    const now = await target.current({ ...targetContext(context), settled: true });
    const services = servicesToRollBack(named, record, now);
    if (services.length === 0) {
      context.stdout(`Nothing to roll back: ${target.name} runs ${versionsOf(now)}\n`);
      return exitCodes.done;
    }
    const to = record && releasesOf(record, services);
    await target.rollback({ ...targetContext(context), services, to });
    // The target is asked what runs, because what the rollback says of itself need not be true.
    const after = await target.current(targetContext(context));
    const wrong = services.filter((service) => !isBack(service, to, now, after));
    if (wrong.length > 0) throw new Error(`After the rollback ${wrong.join(', ')} still does not run what ran before`);
    context.stdout(`${target.name} runs ${versionsOf(after)} again\n`);
    return exitCodes.done;
  },
});

function readServices(names: readonly string[]): ServiceName[] {
  const unknown = names.find((name) => !releasableServices.some((service) => service === name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no service "${unknown}"; known: ${releasableServices.join(', ')}`);
  }
  return releasableServices.filter((service) => names.includes(service));
}

/**
 * The services that are named; else those of the record, whether they run or not; without a record, all that run. A
 * service that runs what the record says has nothing to go back to.
 */
export function servicesToRollBack(
  named: readonly ServiceName[],
  record: ReleaseRecord | null,
  now: Releases,
): ServiceName[] {
  const known: Readonly<Partial<Record<ServiceName, unknown>>> = record?.releases ?? now;
  const services = named.length > 0 ? named : releasableServices.filter((service) => known[service] !== undefined);
  return services.filter((service) => !record || record.releases[service] !== now[service]?.version);
}

function releasesOf(record: ReleaseRecord, services: readonly ServiceName[]): Releases {
  return Object.fromEntries(
    services.map((service) => {
      const version = record.releases[service];
      if (version === undefined) throw new Error(`The record does not say which release of ${service} ran before`);
      return [service, { version, revision: record.revisions[service] ?? null, ready: true }];
    }),
  );
}

/** Whether a service is ready with the release that was wanted or, if none was named, with another one than before. */
function isBack(service: ServiceName, to: Releases | null, before: Releases, after: Releases): boolean {
  const running = after[service];
  if (!running?.ready) return false;
  return to ? running.version === to[service]?.version : running.version !== before[service]?.version;
}

function versionsOf(releases: Releases): string {
  return describeVersions(
    Object.fromEntries(Object.entries(releases).map(([service, { version }]) => [service, version])),
  );
}
