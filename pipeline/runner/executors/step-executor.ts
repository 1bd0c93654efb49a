import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, posix, relative, resolve } from 'node:path';

import { linkDependencies } from '@hotrod/stack/releases/dependencies';
import { dependenciesDirectory } from '@hotrod/stack/releases/release-directory';
import { parse as parseYaml } from 'yaml';

import { releasableServices, type ServiceName, type Target, TargetError } from '../../targets/target.ts';
import { exportDirectory, installCfExport, readExports } from './cf-export.ts';
import {
  type ExecutableStep,
  type Executor,
  plainOutcome,
  type Shell,
  type StepContext,
  type StepOutcome,
} from './executor.ts';
import { cloneRepository } from './git.ts';

type StepOf<K extends ExecutableStep['kind']> = Extract<ExecutableStep, { kind: K }>;

/**
 * Carries the steps of a run out: commands in a shell of this machine or of a container, clones with git, builds and
 * deploys on a target.
 *
 * @param volume the shared volume, on this machine; made here.
 * @param repository what every clone is made of: the commit that is built is there, whatever the file's `repo` says.
 * @param target what `type: build` and `type: helm` are handed to; null if none was chosen.
 */
export function createStepExecutor(options: {
  volume: string;
  shell: Shell;
  repository: string;
  target: Target | null;
  env: Readonly<Record<string, string | undefined>>;
}): Executor {
  const { volume, shell, repository, target } = options;
  /** Where the main clone is, relative to the volume. */
  let mainClone = '.';
  mkdirSync(volume, { recursive: true });
  installCfExport(volume);

  /** A directory as steps name it, on this machine. @throws if it is outside of the volume. */
  function onThisMachine(directory: string): string {
    const inside = relative(shell.volumePath, directory);
    if (inside.startsWith('..') || isAbsolute(inside))
      throw new TargetError(`${directory} is not on the shared volume`);
    return join(volume, inside);
  }
  /** The working directory of a step, as steps see it. */
  function directoryOf(given: string | undefined, context: StepContext): string {
    const base = context.defaultDirectory ?? shell.volumePath;
    if (given === undefined) return base;
    if (given === '/codefresh/volume' || given.startsWith('/codefresh/volume/')) {
      return posix.join(shell.volumePath, given.slice('/codefresh/volume'.length));
    }
    return isAbsolute(given) ? given : resolve(base, given);
  }

  async function freestyle({ name, settings }: StepOf<'freestyle'>, context: StepContext): Promise<StepOutcome> {
    const exported = exportDirectory(volume, name);
    const { reason, exitCode } = await shell.run({
      step: name,
      image: settings.image,
      shell: settings.shell ?? 'sh',
      commands: settings.commands ?? [],
      directory: directoryOf(settings.working_directory, context),
      env: { ...context.env, CF_EXPORT_DIRECTORY: posix.join(shell.volumePath, exported) },
      signal: context.signal,
      output: context.output,
    });
    return { ...plainOutcome(reason, exitCode), ...(reason === null ? readExports(volume, exported) : {}) };
  }

  async function clone({ name, settings }: StepOf<'git-clone'>, context: StepContext): Promise<StepOutcome> {
    const revision = settings.revision ?? 'HEAD';
    const directory = name === 'main_clone' ? basename(settings.repo, '.git') : name;
    if (!/^[\w.-]+$/.test(directory) || directory.startsWith('.')) {
      return plainOutcome(`cannot be cloned into a directory named "${directory}"`);
    }
    const seen = posix.join(shell.volumePath, directory);
    context.output(`${settings.repo} at ${revision}, from ${repository}\n`);
    const { reason, exitCode } = await cloneRepository({
      repository,
      revision,
      directory: join(volume, directory),
      cwd: volume,
      env: options.env,
      signal: context.signal,
      output: context.output,
    });
    if (reason === null && name === 'main_clone') {
      mainClone = directory;
      await shareDependencies(join(volume, directory), context);
    }
    return { ...plainOutcome(reason, exitCode), value: seen, members: { revision } };
  }

  /**
   * If a suite runs, its data directory has the dependencies of every lockfile that it has seen. The clone gets them as
   * links, in a second, and `npm ci` is left to a clone whose lockfile is new.
   */
  async function shareDependencies(root: string, context: StepContext): Promise<void> {
    const dataDir = options.env['HOTROD_DATA_DIR'];
    if (shell.name !== 'host' || !dataDir || !existsSync(join(root, 'package-lock.json'))) return;
    await linkDependencies({
      root,
      cacheDir: dependenciesDirectory(dataDir),
      seed: options.env['HOTROD_CHECKOUT'] || null,
      env: options.env,
      signal: context.signal,
      log: (line) => context.output(`${line}\n`),
    });
  }

  function chosenTarget(kind: string): Target {
    if (target) return target;
    throw new TargetError(`needs a target for "type: ${kind}": name it with --target stack, compose or kubernetes`);
  }
  function commit(context: StepContext) {
    const revision = context.variable('CF_REVISION') ?? '';
    const { version } = JSON.parse(readFileSync(join(volume, mainClone, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { revision, version: `${version}+${revision.slice(0, 7)}` };
  }
  function requestOf(context: StepContext) {
    let line = '';
    return {
      request: {
        root: join(volume, mainClone),
        env: { ...withoutTelemetry(options.env), ...context.env },
        signal: context.signal,
        log: (said: string) => {
          line = said;
          context.output(`${said}\n`);
        },
        commit: commit(context),
      },
      lastLine: () => line,
    };
  }

  async function build({ settings }: StepOf<'build'>, context: StepContext): Promise<StepOutcome> {
    const service = serviceOf(settings.image_name, settings.build_arguments ?? []);
    const tag = settings.tag ?? settings.tags?.[0] ?? 'latest';
    const image = `${settings.image_name}:${tag}`;
    const chosen = chosenTarget('build');
    if (!isReleasable(service)) {
      context.output(`${settings.image_name} is no service of the target ${chosen.name}: there is nothing to build.\n`);
      return { ...plainOutcome(null), value: image, members: {} };
    }
    const { artifacts } = await chosen.build({ ...requestOf(context).request, services: [service] });
    const artifact = artifacts[service] ?? image;
    context.output(`${service}: ${artifact}\n`);
    return { ...plainOutcome(null), value: artifact, members: { imageId: artifact, imageName: settings.image_name } };
  }

  async function helm({ settings }: StepOf<'helm'>, context: StepContext): Promise<StepOutcome> {
    const chosen = chosenTarget('helm');
    const files = (settings.custom_value_files ?? []).map((file) => onThisMachine(directoryOf(file, context)));
    // Codefresh's step takes `_` for the dot of a path.
    const values = Object.fromEntries(
      (settings.custom_values ?? []).map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).replaceAll('_', '.'), pair.slice(at + 1)];
      }),
    );
    const services = [...new Set([...Object.keys(values).flatMap(taggedService), ...files.flatMap(taggedServices)])];
    if (services.length === 0) {
      context.output('No value names a service (services.NAME.image.tag): there is nothing to deploy.\n');
      return plainOutcome(null);
    }
    const { request } = requestOf(context);
    const { before, after } = await chosen.deploy({
      ...request,
      services,
      runUrl: context.variable('CF_BUILD_URL') ?? null,
      helm: {
        chart: settings.chart_name,
        releaseName: settings.release_name,
        namespace: settings.namespace ?? 'default',
        values,
        valueFiles: files,
        kubeContext: settings.kube_context ?? null,
      },
    });
    const news = services.map(
      (name) => `${name} ${before[name]?.version ?? 'nothing'} → ${after[name]?.version ?? 'nothing'}`,
    );
    context.output(`${news.join(', ')}\n`);
    return plainOutcome(null);
  }

  return {
    name: shell.name,
    volumePath: shell.volumePath,
    async run(step, context) {
      try {
        if (step.kind === 'freestyle') return await freestyle(step, context);
        if (step.kind === 'git-clone') return await clone(step, context);
        return await (step.kind === 'build' ? build(step, context) : helm(step, context));
      } catch (error) {
        if (error instanceof Error && !('code' in error && error.code === 'ENOSPC')) {
          context.output(`${error instanceof TargetError ? error.message : (error.stack ?? error.message)}\n`);
          return plainOutcome(firstLine(error.message));
        }
        throw error;
      }
    },
  };
}

/** Which service an image is of: its build argument SERVICE, or the last part of its name. */
function serviceOf(imageName: string, buildArguments: readonly string[]): string {
  const named = buildArguments.find((pair) => pair.startsWith('SERVICE='));
  return named ? named.slice('SERVICE='.length) : basename(imageName);
}

function isReleasable(name: string): name is ServiceName {
  return (releasableServices as readonly string[]).includes(name);
}

function taggedService(path: string): ServiceName[] {
  const name = /^services\.([\w-]+)\.image\.tag$/.exec(path)?.[1];
  return name !== undefined && isReleasable(name) ? [name] : [];
}

/** The services that a file of values gives a tag. */
function taggedServices(file: string): ServiceName[] {
  const values = parseYaml(readFileSync(file, 'utf8')) as {
    services?: Record<string, { image?: { tag?: unknown } }>;
  } | null;
  return releasableServices.filter((name) => values?.services?.[name]?.image?.tag !== undefined);
}

/** The runner's own OTEL_… describe the pipeline, and must not become those of what is deployed. */
function withoutTelemetry(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')));
}

function firstLine(message: string): string {
  return message.split('\n')[0]?.slice(0, 500) ?? message;
}
