import { readFileSync } from 'node:fs';

import { createAsk } from '@hotrod/kit/observatory-api';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { serveHttp } from './http.ts';
import { readOptions, UsageError } from './options.ts';
import { createTools } from './tools.ts';

/** Standard output belongs to the protocol: whatever a person should read goes to standard error. */
async function main(): Promise<void> {
  const options = readOptions(process.env);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const ask = createAsk(options.observatory);
  const factory = () => createTools(ask, version);
  const onerror = (error: Error) => console.error(`mcp: ${error.message}`);
  if (options.http === null) {
    serveStdio(factory, { onerror });
    return;
  }
  const { url, close } = await serveHttp(factory, options.http);
  console.error(`mcp: listening at ${url}, asking ${options.observatory}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit()));
}

try {
  await main();
} catch (error) {
  const said = error instanceof Error ? error.message : String(error);
  console.error(`mcp: ${said}${error instanceof UsageError ? '. "--help" lists what there is.' : ''}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
