import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { type Shell, toolDirectory } from './executor.ts';
import { runProcess } from './process.ts';

/** What git tells its hooks about the repository it is in: in a step it would lead git away from the clone. */
const ofGit =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|PREFIX|PUSH_OPTION_.*)$/;
/** The runner's own telemetry: a test that a step runs must not report under its name. */
const ofTelemetry = /^OTEL_/;

/**
 * Runs commands on this machine, as whoever runs the pipeline. The image is not used: the machine has to have the
 * programs.
 */
export function createHostShell(volume: string, inherited: Readonly<Record<string, string | undefined>>): Shell {
  const machine = Object.fromEntries(
    Object.entries(inherited).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !ofGit.test(entry[0]) && !ofTelemetry.test(entry[0]),
    ),
  );
  return {
    name: 'host',
    volumePath: volume,
    async run({ shell, commands, directory, env, signal, output }) {
      if (!existsSync(directory)) return { exitCode: null, reason: `has no working directory ${directory}` };
      const path = [join(volume, toolDirectory, 'bin'), env['PATH'] ?? machine['PATH'] ?? ''].join(delimiter);
      return runProcess(shell, ['-e', '-c', commands.join('\n')], {
        cwd: directory,
        env: { ...machine, ...env, PATH: path },
        signal,
        output,
      });
    },
  };
}
