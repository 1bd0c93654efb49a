import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

enableCompileCache(join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), '.hotrod', 'cache'));
// Imported now and not above, so that the cache serves everything.
const { postReceive, preReceive, readUpdates } = await import('./hook.ts');
const { messageOf } = await import('../refusal.ts');

// The hooks of the production repository: main.ts pre-receive|post-receive DATA_DIR, called by git in that repository.
const [hook, dataDir = ''] = process.argv.slice(2);
if ((hook !== 'pre-receive' && hook !== 'post-receive') || dataDir === '') {
  const isHelp = hook === '--help' || hook === '-h';
  const usage = 'main.ts pre-receive|post-receive DATA_DIR: a hook of the production repository, which git calls.';
  if (isHelp) console.log(usage);
  else console.error(`HotROD: ${usage}`);
  process.exit(isHelp ? 0 : 2);
}
// Whoever pushes may close the terminal: the release goes on, and only its lines are lost.
process.stdout.on('error', () => process.exit());
try {
  const updates = readUpdates(await text(process.stdin));
  if (hook === 'pre-receive') await preReceive(updates, dataDir);
  else {
    const count = Number(process.env['GIT_PUSH_OPTION_COUNT'] ?? 0);
    const options = Array.from({ length: count }, (_, index) => process.env[`GIT_PUSH_OPTION_${index}`] ?? '');
    await postReceive(updates, dataDir, options, (line) => console.log(line));
  }
} catch (error) {
  console.error(`HotROD: ${messageOf(error)}`);
  process.exitCode = 1;
}
