import { readCommandLine } from '@hotrod/kit/command-line';

const help = `The Observatory's telemetry for agents, by the Model Context Protocol. It only reads.

  npm run --silent mcp                       over standard input and output, as agents start it
  npm run mcp -- --http 8090                 over HTTP, at http://127.0.0.1:8090/mcp

  --observatory URL   where the Observatory is (default http://127.0.0.1:8088; or set OBSERVATORY_URL)
  --http PORT         listen there instead of using standard input and output; 0 takes any free port
  --host HOST         where to listen (default 127.0.0.1); whoever reaches it can read all telemetry
  --allowed-host NAME a further name under which it is reached, for example by a proxy; may be repeated
  --help              this text
`;

/** How the program was called. */
export interface Options {
  observatory: string;
  /** Null: standard input and output. */
  http: { host: string; port: number; allowedHosts: readonly string[] } | null;
}

/** A wrong command line; the message says what is expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads the command line; ends the process for `--help` and for options that do not exist.
 *
 * @param env OBSERVATORY_URL stands in for `--observatory`.
 * @throws {UsageError} for a value that means nothing.
 */
export function readOptions(env: Readonly<Record<string, string | undefined>>): Options {
  const { values } = readCommandLine('mcp', {
    help,
    options: {
      observatory: { type: 'string' },
      http: { type: 'string' },
      host: { type: 'string' },
      'allowed-host': { type: 'string', multiple: true },
    },
  });
  const observatory = values.observatory ?? (env['OBSERVATORY_URL'] || 'http://127.0.0.1:8088');
  if (!URL.canParse(observatory) || !/^https?:$/.test(new URL(observatory).protocol)) {
    throw new UsageError(`--observatory takes a URL such as http://127.0.0.1:8088, not "${observatory}"`);
  }
  if (values.http === undefined) {
    if (values.host !== undefined) throw new UsageError('--host goes with --http');
    if (values['allowed-host']) throw new UsageError('--allowed-host goes with --http');
    return { observatory, http: null };
  }
  const port = Number(values.http);
  if (!/^\d+$/.test(values.http) || port > 65_535) {
    throw new UsageError(`--http takes a port from 0 to 65535, not "${values.http}"`);
  }
  return { observatory, http: { host: values.host ?? '127.0.0.1', port, allowedHosts: values['allowed-host'] ?? [] } };
}
