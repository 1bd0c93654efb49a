import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { type Command, type CommandContext, exitCodes, parseDuration, parseWhole, UsageError } from '../command.ts';
import { placesOf } from '../marker/places.ts';
import { parseRecord } from '../record/record-file.ts';
import { httpUrl } from '../request.ts';
import { createObservatorySource } from './observatory-source.ts';
import { createPrometheusSource } from './prometheus-source.ts';
import { formatReport } from './report.ts';
import { describeVerdict } from './tell-verdict.ts';
import { type DispatchSource, releasedServices, type Versions } from './source.ts';
import { systemClock, type VerifyRequest, verifyRelease } from './verify.ts';

const usage = `Compares a release with the one before, by the dispatches that each served.

  release verify --service NAME… --release VERSION [--baseline VERSION] [options]

  --service NAME        which service was released: ${releasedServices.join(', ')}; several are several --service
  --release VERSION     its service.version, such as 0.1.0+1a2b3c4
  --baseline VERSION    the one before. Default: the file of --record, else the release that telemetry says served last
  --record FILE         what \`release record\` wrote before the deploy: which releases ran, and until when
  --since TIME          from when on the new release serves alone (Unix milliseconds, or a date with its zone).
                        Default: from its first dispatch on, or from the last of another release
  --source observatory  or prometheus: who is asked for the dispatches. Prometheus knows only counts and buckets of
                        durations, of the last 20 minutes at most: docs/verify.md says what it cannot tell
  --observatory URL     the Observatory. Default: OBSERVATORY_URL, else http://127.0.0.1:8088
  --prometheus URL      the Prometheus that scrapes the Collector. Default: PROMETHEUS_URL, else http://127.0.0.1:9090

  --requests 300        dispatches of the new release that are enough for "same"; a third may do for the others
  --timeout 5m          how long to wait for them
  --baseline-window 10m how much of the release before is looked at
  --warm-up 5s          the first dispatches of new processes that do not count
  --min-change 25       percent; a smaller change of durations does not matter
  --false-alarms 1      percent of comparisons of equals that may say better or worse
  --to PLACE            where the verdict is told, as a marker; as \`release marker --to\`, several times for several.
                        Default: MARKER_TO, else the Observatory that was asked; with Prometheus, the one that
                        --observatory or OBSERVATORY_URL names, if any
  --verdict-file FILE   the same as --json, written there; what is printed stays for people
  --json                the verdict with all its numbers, on one line
  --inconclusive fail   or pass: what too little data means for the exit code

Exit codes: 0 better or same, 3 worse, 4 inconclusive (0 with --inconclusive pass), 1 could not ask, 2 wrong use.
How a verdict is come by: docs/verify.md.
`;

const text = { type: 'string' } as const;

export const verifyCommand: Command = {
  summary: 'says whether a release is better, the same or worse than the one before',
  usage,
  run: verify,
};

async function verify(args: string[], context: CommandContext): Promise<number> {
  const options = {
    service: { type: 'string', multiple: true, default: [] as string[] },
    release: text,
    baseline: text,
    record: text,
    since: text,
    source: { ...text, default: 'observatory' },
    observatory: text,
    prometheus: text,
    to: { type: 'string', multiple: true },
    requests: { ...text, default: '300' },
    timeout: { ...text, default: '5m' },
    'baseline-window': { ...text, default: '10m' },
    'warm-up': { ...text, default: '5s' },
    'min-change': { ...text, default: '25' },
    'false-alarms': { ...text, default: '1' },
    'verdict-file': text,
    json: { type: 'boolean', default: false },
    inconclusive: { ...text, default: 'fail' },
  } as const;
  const values = parseArgs({ args, options }).values;
  if (values.inconclusive !== 'fail' && values.inconclusive !== 'pass') {
    throw new UsageError('--inconclusive must be fail or pass');
  }
  const { services, release } = readRelease(values.service, values.release);
  const record = values.record === undefined ? null : parseRecord(values.record, readFileSync(values.record, 'utf8'));
  const request: VerifyRequest = {
    candidate: Object.fromEntries(services.map((service) => [service, release])),
    baseline: readBaseline(services, values.baseline, record?.releases ?? {}),
    sinceMs: values.since === undefined ? null : parseInstant('--since', values.since),
    baselineUntilMs: record?.recordedMs ?? null,
    baselineWindowMs: parseDuration('--baseline-window', values['baseline-window']),
    requests: parseWhole('--requests', values.requests, 30, 100_000),
    alpha: parseWhole('--false-alarms', values['false-alarms'], 1, 50) / 100,
    minChange: parseWhole('--min-change', values['min-change'], 0, 1000) / 100,
    warmUpMs: parseDuration('--warm-up', values['warm-up']),
    timeoutMs: parseDuration('--timeout', values.timeout),
  };
  const same = services.find((service) => request.baseline[service] === release);
  if (same !== undefined) throw new UsageError(`${same}: ${release} cannot be compared with itself`);
  const { source, observatory } = readSource(values, context);
  const isNamed = values.to !== undefined || (context.env['MARKER_TO'] ?? '') !== '';
  const asked = observatory === null ? [] : [{ kind: 'observatory' as const, url: observatory }];
  const places = isNamed ? placesOf(values.to, context.env) : asked;
  const { signal } = context;
  const result = await verifyRelease(source, request, { clock: systemClock, signal, log: context.stderr });
  await describeVerdict(result, places, context);
  const json = `${JSON.stringify({ source: source.name, ...result })}\n`;
  if (values['verdict-file'] !== undefined) writeFileSync(values['verdict-file'], json);
  context.stdout(values.json ? json : formatReport(result));
  if (result.verdict === 'worse') return exitCodes.worse;
  if (result.verdict === 'inconclusive' && values.inconclusive === 'fail') return exitCodes.inconclusive;
  return exitCodes.done;
}

/** Who is asked, and the Observatory that is told; null if none is named and none is asked. */
function readSource(
  values: { source: string; observatory?: string | undefined; prometheus?: string | undefined },
  { env, signal }: CommandContext,
): { source: DispatchSource; observatory: string | null } {
  const named = values.observatory ?? (env['OBSERVATORY_URL'] || null);
  if (named !== null) httpUrl(named, 'The address of the Observatory');
  if (values.source === 'prometheus') {
    const url = values.prometheus ?? (env['PROMETHEUS_URL'] || 'http://127.0.0.1:9090');
    httpUrl(url, 'The address of Prometheus');
    return { source: createPrometheusSource(url, signal), observatory: named };
  }
  if (values.source !== 'observatory') throw new UsageError('--source must be observatory or prometheus');
  if (values.prometheus !== undefined) throw new UsageError('--prometheus needs --source prometheus');
  const url = named ?? 'http://127.0.0.1:8088';
  return { source: createObservatorySource(url, signal), observatory: url };
}

function readRelease(names: readonly string[], release: string | undefined) {
  const services = releasedServices.filter((service) => names.includes(service));
  const unknown = names.find((name) => !services.some((service) => service === name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no service "${unknown}"; known: ${releasedServices.join(', ')}`);
  }
  if (services.length === 0) throw new UsageError('verify needs --service, once for each service that was released');
  if (release === undefined) throw new UsageError('verify needs --release, the service.version that is new');
  return { services, release: parseVersion('--release', release) };
}

function readBaseline(services: readonly (keyof Versions)[], given: string | undefined, recorded: Versions): Versions {
  const version = given === undefined ? undefined : parseVersion('--baseline', given);
  return Object.fromEntries(
    services.flatMap((service) => {
      const before = version ?? recorded[service];
      return before === undefined ? [] : [[service, before]];
    }),
  );
}

function parseVersion(option: string, version: string): string {
  if (!/^[\w.+-]{1,64}$/.test(version)) {
    throw new UsageError(`${option} must have 1 to 64 letters, digits and _ . + -, not "${version}"`);
  }
  return version;
}

/** Unix milliseconds, or a date that says its zone. */
function parseInstant(option: string, given: string): number {
  if (/^\d{13}$/.test(given)) return Number(given);
  const ms = /(Z|[+-]\d\d:\d\d)$/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`${option} must be Unix milliseconds or a date such as 2026-11-29T20:15:00Z`);
  return ms;
}
