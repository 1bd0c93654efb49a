import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `HotROD needs Node 24, and this is ${process.versions.node}: start it with "npm start", which brings its own.`,
  );
  process.exit(1);
}
enableCompileCache(join(root, '.hotrod', 'cache'));
// Imported now and not above, so that the cache serves everything.
const { run } = await import('./run.ts');
await run({ root, args: process.argv.slice(2), env: process.env, cwd: process.cwd() });
