import { fileURLToPath } from 'node:url';

import { readCommandLine } from '@hotrod/kit/command-line';

import { askStatus, restart } from '../control.ts';
import { dataDirectory } from '../options.ts';
import { messageOf, Refusal } from '../refusal.ts';
import { watchSources } from './watch-sources.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const { values, positionals } = readCommandLine('dev', {
  help: `Restarts one service of a running suite whenever a source of it changes. The suite runs on meanwhile, and keeps
the old process when the new one does not become ready.

  npm start                       in one terminal
  npm run dev -- SERVICE          in another: customer, driver, route or frontend; Ctrl-C ends it

  --data-dir DIR                  of the suite (default .hotrod)
  --help                          this text`,
  takesWords: true,
  options: { 'data-dir': { type: 'string' } },
});

/** Restarts one after the other; what changes during one causes the next. */
let restarting: Promise<void> = Promise.resolve();

async function restartFor(dataDir: string, service: string, files: readonly string[]): Promise<void> {
  const [first, ...others] = files;
  console.log(`${first}${others.length > 0 ? ` and ${others.length} more` : ''} changed: ${service} restarts …`);
  const startMs = performance.now();
  try {
    await restart(dataDir, service);
    console.log(`${service} is ready after ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
  } catch (error) {
    console.error(`dev: ${messageOf(error)}`);
  }
}

try {
  const [service, ...more] = positionals;
  if (service === undefined || more.length > 0)
    throw new Refusal('Name one service. "--help" lists what there is.', { exitCode: 2 });
  const dataDir = dataDirectory(values['data-dir'], process.cwd(), root);
  const { processes } = await askStatus(dataDir);
  const services = ['customer', 'driver', 'route', 'frontend'].filter((name) =>
    processes.some((each) => each.name === name),
  );
  if (!services.includes(service))
    throw new Refusal(`There is no service "${service}"; there are ${services.join(', ')}.`, { exitCode: 2 });
  const release = processes.find(({ name }) => name === service)?.release;
  if (release !== undefined)
    throw new Refusal(
      `The ${service} service runs the release ${release}, not this checkout: "npm start -- --working-copy" runs the checkout.`,
    );
  const endWatch = watchSources(root, service, (files) => {
    restarting = restarting.then(() => restartFor(dataDir, service, files));
  });
  process.once('SIGINT', endWatch);
  process.once('SIGTERM', endWatch);
  console.log(`Waiting for changes of ${service}. Ctrl-C ends this, not the suite.`);
} catch (error) {
  console.error(`dev: ${messageOf(error)}`);
  process.exitCode = error instanceof Refusal ? error.exitCode : 1;
}
