import { type Stats, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { FlagdCore } from '@openfeature/flagd-core';
import { OpenFeatureEventEmitter, type Provider, ProviderEvents } from '@openfeature/server-sdk';

/** How often the file is looked at, in milliseconds. Watching by polling also sees files that a volume swaps. */
const pollMs = 500;

/**
 * An OpenFeature provider over a file in flagd's format, evaluated in this process. A change is taken up within a
 * second. A file that cannot be read, or is not valid, leaves the flags as they were.
 *
 * @param onProblem is told what is wrong with the file, once for each version of it.
 */
export function createFlagFileProvider(path: string, onProblem: (problem: string) => void): Provider {
  const core = new FlagdCore();
  const events = new OpenFeatureEventEmitter();
  const take = async (): Promise<string[]> => {
    try {
      return core.setConfigurations(await readFile(path, 'utf8'));
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error));
      return [];
    }
  };
  const onStat = (now: Stats, before: Stats): void => {
    if (now.mtimeMs === before.mtimeMs && now.size === before.size && now.ino === before.ino) return;
    void take().then((flagsChanged) => {
      if (flagsChanged.length > 0) events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged });
    });
  };
  return {
    metadata: { name: 'flag file' },
    runsOn: 'server',
    events,
    async initialize() {
      await take();
      watchFile(path, { interval: pollMs, persistent: false }, onStat);
    },
    async onClose() {
      unwatchFile(path, onStat);
    },
    resolveBooleanEvaluation: async (key, value, context) => core.resolveBooleanEvaluation(key, value, context),
    resolveStringEvaluation: async (key, value, context) => core.resolveStringEvaluation(key, value, context),
    resolveNumberEvaluation: async (key, value, context) => core.resolveNumberEvaluation(key, value, context),
    resolveObjectEvaluation: async (key, value, context) => core.resolveObjectEvaluation(key, value, context),
  };
}
