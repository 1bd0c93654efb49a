import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/**
 * Builds a page with Vite if its `dist/` is missing or older than any of its sources. If Vite is not installed, as in an
 * image, the `dist/` that is there is used as it is. Several processes may do so at once: whoever finds a page finds a
 * whole one.
 *
 * @param directory the page's workspace, with its `vite.config.ts`.
 * @param sources files and folders elsewhere that the page imports, too.
 * @throws if there is neither a built page nor a Vite to build it with, or the build fails.
 */
export async function ensurePageBuilt(options: {
  directory: string;
  sources?: readonly string[];
  log: (line: string) => void;
}): Promise<void> {
  const { directory, log } = options;
  const dist = join(directory, 'dist');
  const index = join(dist, 'index.html');
  const vite = findVite(directory);
  if (!vite) {
    if (existsSync(index)) return;
    throw new Error(
      `The page in ${directory} is not built, and Vite is not installed to build it. Run "npm ci" first.`,
    );
  }
  const built = existsSync(index) ? (await stat(index)).mtimeMs : 0;
  const changed = await Promise.all([directory, ...(options.sources ?? [])].map(newest));
  if (built >= Math.max(...changed)) return;
  log('Building the page');
  // On the same file system, in a folder that neither git nor the search for sources looks into.
  await mkdir(join(directory, 'node_modules'), { recursive: true });
  const staging = await mkdtemp(join(directory, 'node_modules', '.page-'));
  try {
    const start = new Date();
    await withPlainPath(directory, (plain) => build(vite, plain, join(plain, relative(directory, staging))));
    // As old as what it was made of: a source that was written during the build is newer.
    await utimes(join(staging, 'index.html'), start, start);
    await publish(staging, dist);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function findVite(directory: string): string | null {
  try {
    const require = createRequire(join(directory, 'package.json'));
    return join(dirname(require.resolve('vite/package.json')), 'bin', 'vite.js');
  } catch {
    return null;
  }
}

/** When the newest source at or below a path was written, in milliseconds; what is built or tested does not count. */
async function newest(path: string): Promise<number> {
  const found = await stat(path);
  if (!found.isDirectory()) return found.mtimeMs;
  const names = await readdir(path);
  const times = await Promise.all(
    names
      .filter((name) => name !== 'dist' && name !== 'node_modules' && !name.includes('.test.'))
      .map((name) => newest(join(path, name))),
  );
  return Math.max(0, ...times);
}

/** Moves a built page into its place: first what index.html names, then index.html. Then it removes what is not used. */
async function publish(staging: string, dist: string): Promise<void> {
  await mkdir(dist, { recursive: true });
  const files = await filesBelow(staging);
  const before = await filesBelow(dist);
  for (const file of files.toSorted((a, b) => Number(a === 'index.html') - Number(b === 'index.html'))) {
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await rename(join(staging, file), join(dist, file));
  }
  const current = new Set(files);
  await Promise.all(before.filter((file) => !current.has(file)).map((file) => rm(join(dist, file), { force: true })));
}

/** The files of a page, by their paths below it. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

/** What begins a query or a fragment for Vite, or stands for other names, even in the path of a file. */
const specialToVite = /[#?*]/;

/**
 * Gives a path that Vite understands: the one given, or a path through a temporary link if the given one is a checkout
 * such as `My Project #2`. The pages' configurations keep Vite from following the link (`resolve.preserveSymlinks`).
 */
async function withPlainPath(directory: string, work: (plain: string) => Promise<void>): Promise<void> {
  if (!specialToVite.test(directory)) return work(directory);
  let top = directory;
  while (specialToVite.test(dirname(top))) top = dirname(top);
  const temporary = await mkdtemp(join(tmpdir(), 'hotrod-page-'));
  try {
    const link = join(temporary, 'checkout');
    await symlink(top, link, 'junction');
    await work(join(link, relative(top, directory)));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function build(vite: string, directory: string, outDir: string): Promise<void> {
  const args = ['build', directory, '--logLevel', 'warn', '--outDir', outDir, '--emptyOutDir'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vite, ...args], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`Building the page in ${directory} failed:\n${Buffer.concat(output).toString().slice(-4_000)}`),
        );
    });
  });
}
