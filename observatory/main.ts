import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

import { describeSettings, readCommandLine } from '@hotrod/kit/command-line';
import { readConfig } from '@hotrod/kit/config';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { ensurePageBuilt } from '@hotrod/kit/page-build';
import { shutdownOnSignal } from '@hotrod/kit/shutdown';

import { settings } from './config.ts';
import { startObservatory } from './observatory.ts';

// The garbage of the ingest is short-lived. Most of it is bytes outside of the heap, which a garbage collection frees.
// Without these flags V8 lets both generations grow to several times what is in use before it collects: 130 MB more at
// full load, and no faster.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=100');

/** How long the process may take to say why it ends, milliseconds. A supervisor then starts it anew. */
const lastWordsMs = 100;

await runMain('observatory', async () => {
  const { values: flags } = readCommandLine('observatory', {
    help: `The Observatory: receives OpenTelemetry, keeps it, and shows it.

  npm run observatory [-- OPTIONS]

  --start-anew    put a damaged database aside and begin an empty one
  --help          this text

${describeSettings(settings)}`,
    options: { 'start-anew': { type: 'boolean', default: false } },
  });
  const config = readConfig(settings, process.env);
  const logger = createLogger('observatory', config.logLevel);
  const page = fileURLToPath(new URL('./page', import.meta.url));
  await ensurePageBuilt({
    directory: page,
    sources: ['./filter', './contract', '../packages/kit/tokens.css'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    ),
    log: (line) => logger.info(line),
  });
  // What is stored is for this user alone: telemetry names people.
  process.umask(0o077);
  const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const observatory = await startObservatory({
    config,
    logger,
    version,
    page: `${page}/dist`,
    runbooks: fileURLToPath(new URL('../docs/runbooks', import.meta.url)),
    startAnew: flags['start-anew'],
    onFatal: (reason) => {
      console.error(`observatory: ${reason}. It ends, to be started anew; the log above says more.`);
      setTimeout(() => process.exit(1), lastWordsMs);
    },
  });
  shutdownOnSignal(logger, [{ name: 'observatory', close: observatory.close }]);
  logger.info({ url: observatory.url, otlp: observatory.otlpUrl, otlpGrpc: observatory.otlpGrpcUrl }, 'Listening');
});
