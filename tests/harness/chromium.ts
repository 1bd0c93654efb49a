import { existsSync } from 'node:fs';

import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/**
 * Whether browser tests can run here: `describe.skipIf(!hasChromium)`. Says so if they cannot.
 *
 * @throws in continuous integration, because a test that is skipped there is a test that is forgotten.
 */
export const hasChromium = existsSync(executablePath);
if (!hasChromium) {
  const message = `No browser tests: there is no ${executablePath}. On Debian: apt-get install chromium`;
  if (process.env['CI']) throw new Error(message);
  console.warn(message);
}

/** Debian's Chromium, without a screen, and without the requests it makes on its own account. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    timeout: 120_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
