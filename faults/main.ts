import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readCommandLine } from '@hotrod/kit/command-line';

import { readFlagFile, writeFlagFile } from './flag-file.ts';
import {
  drawMystery,
  type FlagSet,
  mysteryOf,
  NoSuchFlagError,
  standing,
  switchOff,
  switchOn,
  switchToDefault,
} from './flag-set.ts';
import { type Manifest, readManifests } from './manifest.ts';

const usage = `Faults of the suite: switched while it runs, seen within two seconds.

  npm run faults -- list                  what there is, and how it stands
  npm run faults -- show NAME             what a fault teaches, how to find it, how it is mended
  npm run faults -- on NAME [VARIANT]     switch it on; --release R: only in processes of that service.version
  npm run faults -- off [NAME]            switch it, or all, off, also what is configured: no errors at all
  npm run faults -- default [NAME]        leave it, or all, to what the services are configured with
  npm run faults -- mystery               draw one at random and tell nobody which
  npm run faults -- reveal                tell which one was drawn

  --data-dir DIR   of the suite (default .hotrod)
  --file PATH      the file of flags (default flags.json in the data directory; or set FLAGS_FILE)
`;

class UsageError extends Error {}

const root = fileURLToPath(new URL('..', import.meta.url));

function run(): string {
  const { values, positionals } = readCommandLine('faults', {
    help: usage,
    takesWords: true,
    options: { file: { type: 'string' }, 'data-dir': { type: 'string' }, release: { type: 'string' } },
  });
  const [command, name, variant, ...rest] = positionals;
  if (command === 'help') return usage;
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one word too many`);
  const path =
    values.file ??
    (values['data-dir'] === undefined ? process.env['FLAGS_FILE'] : undefined) ??
    join(values['data-dir'] ?? join(root, '.hotrod'), 'flags.json');
  const manifests = readManifests();
  const change = (changed: FlagSet, said: string): string => {
    writeFlagFile(path, changed);
    return said;
  };
  switch (command) {
    case undefined:
    case 'list':
      return list(readFlagFile(path), manifests);
    case 'show':
      return show(manifestOf(manifests, name));
    case 'on': {
      const { flag, title, find } = manifestOf(manifests, name);
      const release = values.release ?? null;
      const set = switchOn(readFlagFile(path), flag, { release, ...(variant === undefined ? {} : { variant }) });
      return change(set, `${flag} is on: ${title}.\n${find.map((step) => `  - ${step}\n`).join('')}`);
    }
    case 'off':
      return change(
        switchOff(readFlagFile(path), name),
        name === undefined ? 'All faults are off.\n' : `${name} is off.\n`,
      );
    case 'default':
      return change(switchToDefault(readFlagFile(path), name), `${name ?? 'Every fault'} is as configured.\n`);
    case 'mystery':
      return change(
        drawMystery(readFlagFile(path), [...manifests.keys()], Math.random()),
        'One fault is on. Find it; "reveal" tells which one it is, "default" ends it.\n',
      );
    case 'reveal': {
      const key = mysteryOf(readFlagFile(path));
      return key === null ? 'No fault was drawn.\n' : show(manifestOf(manifests, key));
    }
    default:
      throw new UsageError(`there is not a command "${command}"`);
  }
}

function manifestOf(manifests: ReadonlyMap<string, Manifest>, name: string | undefined): Manifest {
  if (name === undefined) throw new UsageError('name a fault');
  const manifest = manifests.get(name);
  if (!manifest)
    throw new NoSuchFlagError(`There is no fault "${name}". There are ${[...manifests.keys()].join(', ')}.`);
  return manifest;
}

function list(set: FlagSet, manifests: ReadonlyMap<string, Manifest>): string {
  const hidden = mysteryOf(set);
  const lines = [...manifests.values()].map(({ flag, title, service }) => {
    const entry = set.flags[flag];
    const { variant, release } = entry && flag !== hidden ? standing(entry) : { variant: 'default', release: null };
    return `${flag.padEnd(20)} ${variant.padEnd(12)} ${service.padEnd(9)} ${title}${release === null ? '' : ` (release ${release})`}`;
  });
  return [
    ...lines,
    ...(hidden === null ? [] : ['', 'One more is on, and nobody is told which: "reveal" tells.']),
    '',
  ].join('\n');
}

function show({ flag, title, service, value, lesson, cause, effect, find, fix }: Manifest): string {
  return `${title} (${flag}, in the ${service} service)

  Lesson        ${lesson}
  Cause         ${cause}
  Value         ${value}
  Availability  ${effect.availability}
  Latency       ${effect.latency}
  Find it       ${find.join('\n                ')}
  Fix           ${fix}
`;
}

try {
  process.stdout.write(run());
} catch (error) {
  const said = error instanceof Error ? error.message : String(error);
  const isWrongCall = error instanceof UsageError || error instanceof NoSuchFlagError;
  console.error(`faults: ${said}${error instanceof UsageError ? '. "--help" lists what there is.' : ''}`);
  process.exitCode = isWrongCall ? 2 : 1;
}
