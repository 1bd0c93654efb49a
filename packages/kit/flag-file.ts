import { readFile } from 'node:fs/promises';

import { FlagdCore } from '@openfeature/flagd-core';
import { OpenFeatureEventEmitter, type Provider, ProviderEvents } from '@openfeature/server-sdk';

import { lookEveryMs, versionOf } from './quiet-flag-file.ts';

/**
 * An OpenFeature provider over a file in flagd's format, evaluated in this process. A change is taken up within a
 * second. A file that cannot be read, or is not valid, leaves the flags as they were.
 *
 * @param onProblem is called with what is wrong with the file, once for each version of it.
 */
export function createFlagFileProvider(path: string, onProblem: (problem: string) => void): Provider {
  const core = new FlagdCore();
  const events = new OpenFeatureEventEmitter();
  let seen = '';
  let looking: NodeJS.Timeout | undefined;

  /** @returns the keys of the flags that have changed since the file was looked at last. */
  async function look(): Promise<string[]> {
    // Taken before the file is read: a version that is written in between is read twice, and never missed.
    const version = await versionOf(path);
    if (version === seen) return [];
    seen = version;
    try {
      return core.setConfigurations(await readFile(path, 'utf8'));
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error));
      return [];
    }
  }

  async function describeChanges(): Promise<void> {
    const flagsChanged = await look();
    if (flagsChanged.length > 0) events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged });
  }

  return {
    metadata: { name: 'flag file' },
    runsOn: 'server',
    events,
    async initialize() {
      await look();
      looking = setInterval(() => void describeChanges(), lookEveryMs).unref();
    },
    async onClose() {
      clearInterval(looking);
    },
    resolveBooleanEvaluation: async (key, value, context) => core.resolveBooleanEvaluation(key, value, context),
    resolveStringEvaluation: async (key, value, context) => core.resolveStringEvaluation(key, value, context),
    resolveNumberEvaluation: async (key, value, context) => core.resolveNumberEvaluation(key, value, context),
    resolveObjectEvaluation: async (key, value, context) => core.resolveObjectEvaluation(key, value, context),
  };
}
