import { isSdkDisabled } from '@hotrod/telemetry/mode';
import { withoutCredentials } from '@hotrod/telemetry/shown-url';

import type { StartOptions } from './options.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the suite takes from the environment of whoever starts it, and what there is to say about it. */
export interface HandedOn {
  env: Record<string, string>;
  /** Where telemetry goes; null if it goes to the Observatory. */
  telemetryTo: string | null;
  /** Sentences for the person who starts it: what is taken over beside the suite's own settings, and what is not. */
  notes: string[];
}

/**
 * `pg` reads these (its lib/connection-parameters.js), and prefers them to what the suite says about its own Postgres.
 * They are about another one.
 */
const aboutOtherPostgres = /^(PG[A-Z]+|NODE_PG_FORCE_NATIVE)$/;
/** The variables that tell OpenTelemetry where to send telemetry, and whether: specification, "Environment Variables". */
const whereTelemetryGoes =
  /^OTEL_(EXPORTER_.+|(TRACES|METRICS|LOGS)_EXPORTER|SDK_DISABLED|(EXPERIMENTAL_)?CONFIG_FILE)$/;
/** An address for one signal, which OpenTelemetry prefers to the one for all. */
const signalEndpoint = /^OTEL_EXPORTER_OTLP_(TRACES|METRICS|LOGS)_ENDPOINT$/;
/** The variables that change how libraries work: OpenTelemetry and Node. */
const changesLibraries = /^(OTEL_.+|NODE_(OPTIONS|ENV|DEBUG|V8_COVERAGE|USE_ENV_PROXY|TLS_REJECT_UNAUTHORIZED))$/;
/** The hosts at which the suite's processes reach each other: no proxy knows the way there. */
const ownHosts = ['127.0.0.1', 'localhost'];

/**
 * Goes through the environment of the caller. Settings for another Postgres are left out. Settings for where telemetry
 * goes are left out if the Observatory is to get it, or an option names the address; else the caller means them. All
 * others are handed on.
 */
export function handOn(given: Environment, options: StartOptions): HandedOn {
  const byOption = options.otlpEndpoint !== null && options.otlpEndpoint !== given['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isLeftOut = (name: string) =>
    aboutOtherPostgres.test(name) ||
    (options.observatory && whereTelemetryGoes.test(name)) ||
    (byOption && signalEndpoint.test(name));
  const set = Object.entries(given).filter((entry): entry is [string, string] => !!entry[1]);
  const leftOut = set.map(([name]) => name).filter(isLeftOut);
  const env = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined && !isLeftOut(entry[0])),
  );
  const takenOver = set
    .map(([name]) => name)
    .filter((name) => changesLibraries.test(name) && !leftOut.includes(name) && name !== 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (set.some(([name]) => /^(https?|grpc|all)_proxy$/i.test(name))) {
    const hosts = [env['no_proxy'] ?? env['NO_PROXY'] ?? '', ...ownHosts].filter(Boolean).join(',');
    env['no_proxy'] = env['NO_PROXY'] = hosts;
  }
  const notes = [
    ...(takenOver.length > 0 ? [`Taken over from the environment: ${takenOver.join(', ')}.`] : []),
    ...(leftOut.length > 0
      ? [
          `Left out of the environment: ${leftOut.join(', ')}.${leftOut.some((name) => name.startsWith('OTEL_')) ? ' To send telemetry elsewhere: --otlp-endpoint URL.' : ''}`,
        ]
      : []),
  ];
  return { env, telemetryTo: telemetryTo(env, options), notes };
}

/** Where each signal goes, for a person. */
function telemetryTo(env: Environment, options: StartOptions): string | null {
  if (options.observatory) return null;
  if (isSdkDisabled(env)) return 'nowhere (OTEL_SDK_DISABLED)';
  const forAll = options.otlpEndpoint ?? 'http://localhost:4318';
  const places = new Map<string, string[]>();
  for (const signal of ['traces', 'metrics', 'logs']) {
    const name = signal.toUpperCase();
    const exporters = env[`OTEL_${name}_EXPORTER`] || 'otlp';
    const place = /\botlp\b/.test(exporters)
      ? withoutCredentials(env[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`] || forAll)
      : exporters;
    places.set(place, [...(places.get(place) ?? []), signal]);
  }
  const [only] = places.keys();
  if (places.size === 1 && only !== undefined) return only;
  return [...places].map(([place, signals]) => `${signals.join(' and ')}: ${place}`).join(', ');
}
