import { parseArgs, type ParseArgsConfig } from 'node:util';

import type { Setting } from './config.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What a program says of itself, and what it takes. */
export interface CommandLine<O extends Options = Options> {
  /** The lines that `--help` prints. */
  help: string;
  options?: O;
  /** Whether it takes words beside its options. */
  takesWords?: boolean;
}

/** The exit code with which a program says that it was called wrongly. */
const wrongUse = 2;

/**
 * Reads the command line of a program. For `--help` it prints what there is and ends the process. For anything that the
 * program does not know, it ends the process with one line on standard error and exit code 2.
 *
 * @param name begins the line.
 */
export function readCommandLine<O extends Options>(name: string, commandLine: CommandLine<O>) {
  const { help, options, takesWords = false } = commandLine;
  try {
    const read = parseArgs({
      options: { ...(options ?? ({} as O)), help: { type: 'boolean', short: 'h' } } as const,
      allowPositionals: takesWords,
    });
    if (!(read.values as { help?: boolean }).help) return read;
    process.stdout.write(`${help.trimEnd()}\n`);
    return process.exit(0);
  } catch (error) {
    // parseArgs adds hints about positionals after the first sentence; they do not help here.
    const [what = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    console.error(`${name}: ${what.replace(/\.$/, '')}. "--help" lists what there is.`);
    return process.exit(wrongUse);
  }
}

/** The settings of a program, for its help: the variable, what it is, and its value if it is not set. */
export function describeSettings(settings: Readonly<Record<string, Setting>>): string {
  const lines = Object.values(settings).map(
    ({ env, meaning, default: value }) => `  ${env}\n      ${meaning}${whatHoldsWithout(value)}`,
  );
  return `Settings, from the environment:\n${lines.join('\n')}`;
}

function whatHoldsWithout(value: unknown): string {
  if (value === undefined) return ' (must be set)';
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return ` (default ${typeof value === 'string' ? value : JSON.stringify(value)})`;
}
