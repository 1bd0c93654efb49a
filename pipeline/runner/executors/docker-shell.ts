import { spawn } from 'node:child_process';

import { type Shell, toolDirectory } from './executor.ts';
import { runProcess } from './process.ts';

/** Where Codefresh has the shared volume. */
const volumePath = '/codefresh/volume';

/**
 * Runs commands in a container of the step's image, with the shared volume, on the network of this machine: what the
 * suite serves on loopback can be reached. The container sees the variables of the pipeline and of the step, and none
 * of this machine's.
 *
 * @param docker the program.
 * @param volume the shared volume, on this machine.
 * @param prefix of the names of the containers; unique on this machine.
 * @param client environment of the docker program: PATH, DOCKER_HOST and so on.
 */
export function createDockerShell(
  docker: string,
  volume: string,
  prefix: string,
  client: Readonly<Record<string, string | undefined>>,
): Shell {
  const clientEnv = Object.fromEntries(
    Object.entries(client).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return {
    name: 'docker',
    volumePath,
    async run({ step, image, shell, commands, directory, env, signal, output }) {
      const name = `${prefix}-${step}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
      // PATH is the image's own; Codefresh has cf_export on it.
      const script = `PATH="$PATH:${volumePath}/${toolDirectory}/bin"\n${commands.join('\n')}`;
      const args = [
        'run',
        `--name=${name}`,
        '--rm',
        '--init',
        '--network=host',
        `--volume=${volume}:${volumePath}`,
        `--workdir=${directory}`,
        // Only the names: everybody on this machine could read a value on the command line.
        ...Object.keys(env).map((variable) => `--env=${variable}`),
        `--entrypoint=${shell}`,
        image,
        '-e',
        '-c',
        script,
      ];
      const ended = await runProcess(docker, args, {
        cwd: volume,
        env: { ...clientEnv, ...env },
        signal,
        output,
        onAbort: () =>
          spawn(docker, ['kill', name], { env: clientEnv, stdio: 'ignore' })
            .on('error', () => {})
            .unref(),
      });
      // docker's own failures: https://docs.docker.com/reference/cli/docker/container/run/#exit-status
      if (ended.exitCode === 125) return { exitCode: 125, reason: `cannot be started in a container of ${image}` };
      return ended;
    },
  };
}
