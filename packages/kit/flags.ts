/**
 * Feature flags, by OpenFeature. As long as no source of flags is configured, or a file of flags disables all of them,
 * nothing of OpenFeature is loaded, and every flag has the value that the service was configured with.
 */
import type { EvaluationDetails } from '@openfeature/server-sdk';

import { type FaultFlag, faultFlags } from './fault-flags.ts';
import { integer, optionalText, releaseOf } from './config.ts';
import type { Logger } from './logging.ts';
import { disablesAll, untilSwitched } from './quiet-flag-file.ts';

/** One evaluation of a flag that changed what a request met, for telemetry. */
export interface FlagEvaluation {
  key: string;
  variant: string;
  value: number;
  /** OpenFeature's reason in lower case, for example `static` or `targeting_match`. */
  reason: string;
  provider: string;
}

/** The flags of one service. */
export interface Flags {
  /**
   * The value of a flag now.
   *
   * @param configured the value while no flag is switched: the service's own setting.
   */
  number(key: FaultFlag, configured: number): Promise<number>;
  /** Keys of the flags that are on now, in the order of {@link faultFlags}. */
  inForce(): readonly string[];
  /** Calls `listener` now and after every change of the flags. */
  onChange(listener: () => void): void;
  close(): Promise<void>;
}

/** Where flags come from. */
export function flagSettings() {
  return {
    flagsFile: optionalText('FLAGS_FILE', "a file of feature flags in flagd's format, watched for changes"),
    flagdHost: optionalText('FLAGD_HOST', 'the flagd to take feature flags from; a FLAGS_FILE goes before it'),
    flagdPort: integer('FLAGD_SYNC_PORT', 8015, "the port of flagd's sync service", { min: 1, max: 65_535 }),
  };
}

/** How long a start waits for its flags, and a retry of flagd, in milliseconds: flags must not keep a service down. */
const readyWithinMs = 3_000;
const retryMs = 1_000;

/** The settings of a service that its flags come from: `flagSettings`, and those of `listenSettings` that name the release. */
interface FlagConfig {
  flagsFile: string | null;
  flagdHost: string | null;
  flagdPort: number;
  resourceAttributes: string | null;
}

/**
 * The flags of a service, as its settings say. Its release is in the context, so that a fault can be switched on for one
 * release alone.
 *
 * @param evaluated is called for every evaluation that answered with a switched flag that is not off.
 */
export function createServiceFlags(
  service: string,
  config: FlagConfig,
  logger: Logger,
  evaluated: (evaluation: FlagEvaluation) => void,
): Promise<Flags> {
  return createFlags({ service, source: config, context: { release: releaseOf(config) ?? '' }, evaluated, logger });
}

/**
 * @param context facts about this process that targeting rules may use, for example `service.version`.
 * @param evaluated is called for every evaluation that answered with a switched flag that is not off.
 */
export async function createFlags(options: {
  service: string;
  source: { flagsFile: string | null; flagdHost: string | null; flagdPort: number };
  context: Readonly<Record<string, string>>;
  evaluated: (evaluation: FlagEvaluation) => void;
  logger: Logger;
}): Promise<Flags> {
  const { flagsFile, flagdHost } = options.source;
  if (flagsFile !== null) return (await disablesAll(flagsFile)) ? whenSwitched(flagsFile, options) : evaluate(options);
  return flagdHost === null ? asConfigured : evaluate(options);
}

type FlagOptions = Parameters<typeof createFlags>[0];

/** The flags of a file that disables all of them: as configured until one is switched. */
function whenSwitched(path: string, options: FlagOptions): Flags {
  const listeners: (() => void)[] = [];
  const closing = new AbortController();
  let current = asConfigured;
  const switched = untilSwitched(path, closing.signal).then(async () => {
    if (closing.signal.aborted) return;
    current = await evaluate(options);
    for (const listener of listeners) current.onChange(listener);
  });
  switched.catch((error: unknown) => options.logger.error({ err: error }, 'The flags cannot be evaluated'));
  return {
    number: (key, configured) => current.number(key, configured),
    inForce: () => current.inForce(),
    onChange(listener) {
      listeners.push(listener);
      current.onChange(listener);
    },
    async close() {
      closing.abort();
      await switched.catch(() => undefined); // it was logged
      await current.close();
    },
  };
}

/** The flags of a source, evaluated by OpenFeature. */
async function evaluate({ service, source, context, evaluated, logger }: FlagOptions): Promise<Flags> {
  const { OpenFeature, ProviderEvents } = await import('@openfeature/server-sdk');
  const provider = await createProvider(source, logger);
  OpenFeature.setProvider(service, provider);
  const client = OpenFeature.getClient(service).setContext({ ...context });
  const listeners: (() => void)[] = [];
  let inForce: readonly string[] = [];

  const details = (key: FaultFlag, configured: number) => client.getNumberDetails(key, configured);

  async function look(): Promise<void> {
    const found = await Promise.all(faultFlags.map((key) => details(key, 0)));
    inForce = found.filter(isOn).map(shownKey);
    for (const listener of listeners) listener();
  }

  const changed = () => void look();
  client.addHandler(ProviderEvents.ConfigurationChanged, changed);
  const ready = new Promise<void>((resolve) => {
    client.addHandler(ProviderEvents.Ready, () => void look().then(resolve));
    setTimeout(resolve, readyWithinMs).unref();
  });
  await ready;

  return {
    async number(flag, configured) {
      const result = await details(flag, configured);
      if (isOn(result)) {
        const { variant = '', value, reason = 'unknown' } = result;
        const key = shownKey(result);
        evaluated({ key, variant, value, reason: reason.toLowerCase(), provider: provider.metadata.name });
      }
      return result.value;
    },
    inForce: () => inForce,
    onChange(listener) {
      listeners.push(listener);
      listener();
    },
    close: async () => {
      await provider.onClose?.();
    },
  };
}

/** A flag that somebody switched, to something else than off. */
function isOn({ variant, value }: EvaluationDetails<number>): boolean {
  return variant !== undefined && value !== 0;
}

/** A fault that was drawn for people to find does not give its name away. */
function shownKey({ flagKey, flagMetadata }: EvaluationDetails<number>): string {
  return flagMetadata['mystery'] === true ? 'mystery' : flagKey;
}

/** The flags without a source: each has the value that is configured. */
const asConfigured: Flags = {
  number: (_key, configured) => Promise.resolve(configured),
  inForce: () => [],
  onChange: (listener) => listener(),
  close: () => Promise.resolve(),
};

async function createProvider(
  source: { flagsFile: string | null; flagdHost: string | null; flagdPort: number },
  logger: Logger,
) {
  if (source.flagsFile !== null) {
    const { createFlagFileProvider } = await import('./flag-file.ts');
    return createFlagFileProvider(source.flagsFile, (problem) =>
      logger.warn({ file: source.flagsFile, problem }, 'The flags stay as they were: the file of flags is not usable'),
    );
  }
  // Loaded only here: it brings gRPC with it, 18 MB in memory.
  const { FlagdProvider } = await import('@openfeature/flagd-provider');
  return new FlagdProvider({
    resolverType: 'in-process',
    host: source.flagdHost ?? 'localhost',
    port: source.flagdPort,
    retryBackoffMs: retryMs,
  });
}
