// Makes a fresh clone ready: runs `npm ci` where node_modules is missing or older than the lockfile, and says so.
// Plain JavaScript without dependencies, because it runs before anything is installed and on any Node from 18 on.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const lockfile = join(root, 'package-lock.json');
const installed = join(root, 'node_modules', '.package-lock.json'); // npm writes it at the end of every install

/** Why an install is needed, or null where node_modules holds what the lockfile says. */
function reasonToInstall() {
  if (!existsSync(installed)) return 'node_modules is missing or incomplete';
  if (statSync(lockfile).mtimeMs > statSync(installed).mtimeMs && !samePackages())
    return 'package-lock.json has changed';
  return null;
}

/**
 * A checkout touches the lockfile without changing it: compare what it names before installing everything anew. An
 * optional package, such as the Node of another machine, may be missing; one that is there has the version locked.
 */
function samePackages() {
  const [locked, present] = [lockfile, installed].map((file) => JSON.parse(readFileSync(file, 'utf8')).packages);
  const version = (entry) => entry.version ?? entry.resolved;
  const isPackage = (path) => path.startsWith('node_modules/');
  return (
    Object.keys(present)
      .filter(isPackage)
      .every((path) => path in locked) &&
    Object.entries(locked)
      .filter(([path]) => isPackage(path))
      .every(([path, entry]) => (path in present ? version(present[path]) === version(entry) : entry.optional))
  );
}

const reason = reasonToInstall();
if (reason) {
  console.error(`HotROD: ${reason}; running "npm ci" (once, about a minute) …`);
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) {
    console.error(
      `HotROD: "npm ci" failed${error ? ` (${error.message})` : ''}. Check the network and the lines above.`,
    );
    process.exit(status ?? 1);
  }
}

// npm brings a Node for most machines (optionalDependencies); where it has none, the one that runs this must do.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const enough = major > 24 || (major === 24 && minor >= 12);
if (!enough && !existsSync(join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node'))) {
  console.error(
    `HotROD needs Node 24.12 or newer; this is ${process.versions.node}, and npm has none for ${process.platform}-${process.arch}. Install it from https://nodejs.org and start again.`,
  );
  process.exit(1);
}
