import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { defaultRate, isProfileName, type ProfileName, profiles } from '@hotrod/loadgen/profiles';
import { isTelemetryMode, type TelemetryMode, telemetryModes } from '@hotrod/telemetry/mode';
import { withoutCredentials } from '@hotrod/telemetry/shown-url';

import { Refusal } from './refusal.ts';

/** What drives load: the driver built in, or the k6 on the PATH. */
export type LoadEngine = 'builtin' | 'k6';

/** How to start a suite. */
export interface StartOptions {
  /** Absolute. */
  dataDir: string;
  portBase: number;
  /** The Observatory's OTLP receivers. */
  otlpPort: number;
  otlpGrpcPort: number;
  /** Where traces, metrics and logs go instead of the Observatory; null for the Observatory. */
  otlpEndpoint: string | null;
  /** As in OTEL_EXPORTER_OTLP_HEADERS. */
  otlpHeaders: string | null;
  observatory: boolean;
  /** How much telemetry the services make, and which of them make another amount than the rest. */
  telemetry: { all: TelemetryMode; services: Readonly<Record<string, TelemetryMode>> };
  /** Whether to run the services from this checkout even if releases were pushed. Those are then forgotten. */
  workingCopy: boolean;
  /** Null: no load until a rate is set. */
  load: { engine: LoadEngine; profile: ProfileName | null; ratePerSecond: number } | null;
}

/** What the command line asks for. */
export type Command =
  | { name: 'start'; options: StartOptions }
  | { name: 'rate'; dataDir: string; portBase: number | null; ratePerSecond: number | null }
  | { name: 'status' | 'stop'; dataDir: string; portBase: number | null }
  | { name: 'help' };

/** More than this many dispatches per second is a slip of the finger. */
export const maxRate = 10_000;
const defaultPortBase = 8080;
const defaultOtlpPort = 4318;
const defaultOtlpGrpcPort = 4317;
/** The ports of a suite lie in portBase … portBase + 9. */
const portSpan = 9;
const otlpGrpcOffset = 7;

export const help = `HotROD, the whole suite on this machine: Postgres, four services, the Observatory, load.

  npm start [-- OPTIONS]      start; Ctrl-C stops everything
  npm start -- rate N         change the load of a running suite to N dispatches per second (0: pause)
  npm start -- rate           say what the load is
  npm start -- status         show what runs
  npm start -- stop           stop a suite that runs elsewhere, in the background for example

Load
  --rate N                    dispatches per second (default ${defaultRate})
  --no-load                   none; "rate N" begins it later
  --profile NAME              load that changes over time:
${Object.values(profiles)
  .map(({ name, meaning }) => `                                ${name.padEnd(8)} ${meaning}`)
  .join('\n')}
  --load builtin|k6           who drives it: the driver built in (default), or the k6 on the PATH

Telemetry
  --otlp-endpoint URL         send traces, metrics and logs there (OTLP over HTTP, for example
                              http://localhost:4318) instead of to the Observatory, which is then not started;
                              or set OTEL_EXPORTER_OTLP_ENDPOINT
  --otlp-headers K=V,…        headers for that endpoint; or set OTEL_EXPORTER_OTLP_HEADERS, which keeps a key
                              out of the list of processes
  --telemetry MODE            how much the services tell: "off", "stock" (OpenTelemetry's own preload, nothing by
                              hand) or "full" (default); for single services too: "off,customer=full";
                              or set TELEMETRY
  --no-observatory            no viewer; telemetry goes to the OpenTelemetry default, http://localhost:${defaultOtlpPort}

Releases
  What is pushed to the repository that "npm start" names runs on after a restart, too.
  --working-copy              run the services from this checkout instead, and forget what was pushed

Place
  --port-base N               the frontend's port (default ${defaultPortBase}); the others follow: customer +1, driver +2,
                              route +3, Postgres +4, pages of pipeline runs and faults +5, Observatory +8, its OTLP
                              over gRPC +${otlpGrpcOffset} and over HTTP +${portSpan} (${defaultOtlpGrpcPort} and ${defaultOtlpPort} without this option);
                              or set HOTROD_PORT_BASE
  --data-dir DIR              database, traces and logs (default .hotrod); with --port-base two suites run
                              side by side; "rate", "status" and "stop" are for the suite that runs from there
  --help                      this text`;

/**
 * Reads the command line.
 *
 * @param args without the program and its file.
 * @param env OTEL_EXPORTER_OTLP_ENDPOINT and …_HEADERS, TELEMETRY and HOTROD_PORT_BASE stand in for their options.
 * @param cwd what a relative --data-dir is relative to.
 * @param root the checkout.
 * @throws {Refusal} with exit code 2.
 */
export function readCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  root: string,
): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { name: 'help' };
  const dataDir = dataDirectory(values['data-dir'], cwd, root);
  const [command = 'start', operand, ...more] = positionals;
  if (more.length > 0 || (operand !== undefined && command !== 'rate'))
    throw wrong(`"${more[0] ?? operand}" is too much`);
  if (command === 'rate' || command === 'status' || command === 'stop') {
    const foreign = Object.keys(values).find((name) => !['data-dir', 'port-base'].includes(name));
    if (foreign !== undefined) throw wrong(`"${command}" takes no --${foreign}`);
    const which = { dataDir, portBase: values['port-base'] === undefined ? null : port(values['port-base']) };
    return command === 'rate'
      ? { name: command, ...which, ratePerSecond: operand === undefined ? null : rate(operand, 'rate') }
      : { name: command, ...which };
  }
  if (command !== 'start') throw wrong(`"${command}" is not a command`);

  const otlpEndpoint = endpoint(values['otlp-endpoint'] ?? (env['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined));
  const givenPortBase = values['port-base'] ?? (env['HOTROD_PORT_BASE'] || undefined);
  const portBase = port(givenPortBase);
  return {
    name: 'start',
    options: {
      dataDir,
      portBase,
      otlpPort: givenPortBase === undefined ? defaultOtlpPort : portBase + portSpan,
      otlpGrpcPort: givenPortBase === undefined ? defaultOtlpGrpcPort : portBase + otlpGrpcOffset,
      otlpEndpoint,
      otlpHeaders: headers(values['otlp-headers']) ?? (env['OTEL_EXPORTER_OTLP_HEADERS'] || null),
      observatory: otlpEndpoint === null && !values['no-observatory'],
      telemetry: telemetry(values.telemetry ?? (env['TELEMETRY'] || 'full')),
      workingCopy: values['working-copy'] ?? false,
      load: load(values),
    },
  };
}

const optionTypes = {
  rate: { type: 'string' },
  'no-load': { type: 'boolean' },
  profile: { type: 'string' },
  load: { type: 'string' },
  'otlp-endpoint': { type: 'string' },
  'otlp-headers': { type: 'string' },
  telemetry: { type: 'string' },
  'no-observatory': { type: 'boolean' },
  'port-base': { type: 'string' },
  'data-dir': { type: 'string' },
  'working-copy': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes, allowPositionals: true });
  } catch (error) {
    // parseArgs adds hints about positionals after the first sentence; they do not help here.
    throw wrong(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

function wrong(what: string): Refusal {
  return new Refusal(`${what}. "npm start -- --help" lists what there is.`, { exitCode: 2 });
}

/** Where a suite keeps its data, absolute. @throws {Refusal} if it is empty. */
export function dataDirectory(given: string | undefined, cwd: string, root: string): string {
  if (given === undefined) return join(root, '.hotrod');
  if (given === '') throw wrong('--data-dir needs a directory');
  return given.startsWith('~/') ? join(homedir(), given.slice(2)) : resolve(cwd, given);
}

function rate(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0 || value > maxRate) {
    throw wrong(`${option} takes dispatches per second from 0 to ${maxRate}, not "${text}"`);
  }
  return value;
}

function port(text: string | undefined): number {
  if (text === undefined) return defaultPortBase;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value + portSpan > 65_535) {
    throw wrong(`--port-base takes a port from 1 to ${65_535 - portSpan}, not "${text}"`);
  }
  return value;
}

function endpoint(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!URL.canParse(text) || !['http:', 'https:'].includes(new URL(text).protocol)) {
    throw wrong(`--otlp-endpoint takes a URL such as http://localhost:4318, not "${withoutCredentials(text)}"`);
  }
  return text;
}

function headers(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!text.split(',').every((pair) => /^\s*[^=\s]+\s*=/.test(pair)))
    throw wrong('--otlp-headers takes name=value, several separated by commas');
  return text;
}

/** The option is only for services: Postgres makes no telemetry, and the Observatory receives it. */
const observedServices = ['frontend', 'customer', 'driver', 'route'];

function telemetry(text: string): StartOptions['telemetry'] {
  const services: Record<string, TelemetryMode> = {};
  let all: TelemetryMode = 'full';
  for (const part of text.split(',').map((word) => word.trim())) {
    const [name, mode] = part.includes('=') ? part.split('=', 2) : [null, part];
    if (mode === undefined || !isTelemetryMode(mode)) {
      throw wrong(`--telemetry takes ${telemetryModes.join(', ')}, or SERVICE=MODE, not "${part}"`);
    }
    if (name === null || name === undefined) all = mode;
    else if (observedServices.includes(name)) services[name] = mode;
    else throw wrong(`--telemetry knows ${observedServices.join(', ')}, not "${name}"`);
  }
  return { all, services };
}

function load(values: { rate?: string; 'no-load'?: boolean; profile?: string; load?: string }): StartOptions['load'] {
  const { profile = null, load: engine = 'builtin' } = values;
  if (engine !== 'builtin' && engine !== 'k6') throw wrong(`--load takes "builtin" or "k6", not "${engine}"`);
  if (profile !== null && !isProfileName(profile)) {
    throw wrong(`--profile takes one of ${Object.keys(profiles).join(', ')}, not "${profile}"`);
  }
  if (profile !== null && values.rate !== undefined) throw wrong('--profile and --rate exclude each other');
  if (values['no-load']) {
    if (profile !== null || values.rate !== undefined || values.load !== undefined) {
      throw wrong('--no-load excludes --rate, --profile and --load');
    }
    return null;
  }
  return { engine, profile, ratePerSecond: values.rate === undefined ? defaultRate : rate(values.rate, '--rate') };
}
