import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
enableCompileCache(join(root, '.hotrod', 'cache'));
const { demo } = await import('./demo.ts');
process.exit(
  await demo({ root, args: process.argv.slice(2), env: process.env, cwd: process.cwd(), input: process.stdin }),
);
