import { syncBuiltinESMExports } from 'node:module';
import childProcess from 'node:child_process';
import net from 'node:net';

/**
 * Keeps a unit test from what it may not do: it starts no process, listens on no port, and loads no DuckDB. A test that
 * does is called `*.store.test.ts` (DuckDB in this process) or `*.system.test.ts`.
 */
function refuse(what: string): () => never {
  return () => {
    throw new Error(`A unit test ${what}: call the file *.store.test.ts or *.system.test.ts (CONTRIBUTING.md, Tests).`);
  };
}

net.Server.prototype.listen = refuse('listens on a port');
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const) {
  Object.assign(childProcess, { [name]: refuse('starts a process') });
}
const loadAddon = process.dlopen.bind(process);
process.dlopen = (module, filename, ...flags) => {
  if (filename.includes('duckdb')) refuse('loads DuckDB')();
  loadAddon(module, filename, ...(flags as [number]));
};
syncBuiltinESMExports();
