import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { toolDirectory } from './executor.ts';

/**
 * Codefresh's cf_export as a program, because a script that a step calls uses it, too. Each variable becomes a file, so
 * that a value may hold anything.
 */
const program = `#!/bin/sh
# cf_export NAME=VALUE…   or   cf_export NAME…, which takes the value from the environment. --mask hides it in logs.
set -e
mask=
for each in "$@"; do [ "$each" = --mask ] && mask=yes; done
for each in "$@"; do
  [ "$each" = --mask ] && continue
  name=\${each%%=*}
  case $name in
    ''|[0-9]*|*[!A-Za-z0-9_]*) echo "cf_export: \\"$name\\" is not a name of a variable" >&2; exit 2 ;;
  esac
  case $each in
    *=*) value=\${each#*=} ;;
    *) eval "value=\\\${$name-}" ;;
  esac
  printf %s "$value" > "$CF_EXPORT_DIRECTORY/$name"
  [ -z "$mask" ] || : > "$CF_EXPORT_DIRECTORY/$name.mask"
done
`;

const maxExports = 200;
const maxValueBytes = 128 * 1024;

/** Puts the program on the volume. */
export function installCfExport(volume: string): void {
  const directory = join(volume, toolDirectory, 'bin');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cf_export'), program);
  chmodSync(join(directory, 'cf_export'), 0o755);
}

/** The directory that the exports of a step go to, empty. Relative to the volume. */
export function exportDirectory(volume: string, step: string): string {
  const relative = join(toolDirectory, 'exports', step);
  rmSync(join(volume, relative), { recursive: true, force: true });
  mkdirSync(join(volume, relative), { recursive: true, mode: 0o777 });
  chmodSync(join(volume, relative), 0o777); // a container may run as anybody
  return relative;
}

/** What a step has exported. @throws if that is more than a pipeline needs. */
export function readExports(
  volume: string,
  relative: string,
): { exports: Record<string, string>; secretExports: string[] } {
  const directory = join(volume, relative);
  const files = readdirSync(directory);
  if (files.length > maxExports) throw new Error(`exports more than ${maxExports} variables`);
  const exports: Record<string, string> = {};
  for (const name of files.filter((file) => !file.endsWith('.mask'))) {
    if (statSync(join(directory, name)).size > maxValueBytes) {
      throw new Error(`exports ${name} with more than ${maxValueBytes} bytes: hand a file on instead`);
    }
    exports[name] = readFileSync(join(directory, name), 'utf8');
  }
  return { exports, secretExports: Object.keys(exports).filter((name) => files.includes(`${name}.mask`)) };
}
