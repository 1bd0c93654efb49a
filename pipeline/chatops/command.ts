import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { type Command, exitCodes, parseWhole, UsageError } from '../release/command.ts';
import { orderHelp } from './order.ts';
import { createProgramRunner } from './program.ts';

const usage = `Takes release commands from Slack, or a chat program that signs as Slack does, until it is ended.

  release chatops --config FILE [--host 127.0.0.1] [--port 8086] [--most-orders 2]

  --config FILE           environments, and who may do what in them (docs/chatops.md)
  --host, --port          where it listens for POST /slack/commands; put a proxy with TLS before it
  --most-orders N         no deploy begins while so many deploys and rollbacks are under way
  --response-origin URL   an origin beside https://hooks.slack.com to which outcomes may be sent; may be repeated

  CHATOPS_SIGNING_SECRET  the app's signing secret, from the environment alone

In the chat:

${orderHelp.replaceAll(/^/gm, '  /release ')}

Exit codes: 0 ended, 1 failed, 2 wrong use.
`;

/** Slack takes later answers for half an hour: until then the chat knows the outcome, or that there is none yet. */
const stillRunsAfterMs = 25 * 60_000;
/** More than the steps of codefresh.yml may take together; a deploy that is ended during its rollout must be taken back. */
const orderTimeoutMs = 3 * 3_600_000;
const statusTimeoutMs = 60_000;

export const chatopsCommand: Command = {
  summary: 'takes deploy, status and rollback from a chat, by signed webhook',
  usage,
  async run(args, { env, stderr, stdout, signal }) {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8086' },
        'most-orders': { type: 'string', default: '2' },
        'response-origin': { type: 'string', multiple: true, default: [] as string[] },
      } as const,
    });
    if (values.config === undefined) throw new UsageError('--config is missing: the file of environments and people');
    const { CHATOPS_SIGNING_SECRET: signingSecret, ...others } = env;
    if (!signingSecret || signingSecret.length < 16) {
      throw new UsageError('CHATOPS_SIGNING_SECRET must be set to the signing secret, of 16 characters or more');
    }
    const port = parseWhole('--port', values.port, 0, 65_535);
    const mostOrders = parseWhole('--most-orders', values['most-orders'], 1, 20);
    const responseOrigins = values['response-origin'].map(originOf);
    const { readChatopsConfig, startChatops } = await loadServer();
    const chatops = await startChatops({
      host: values.host,
      port,
      signingSecret,
      config: readChatopsConfig(readFileSync(values.config, 'utf8')),
      responseOrigins,
      mostOrders,
      stillRunsAfterMs,
      orderTimeoutMs,
      statusTimeoutMs,
      // The program that it starts does not need the secret.
      carryOut: createProgramRunner(others),
      log: stderr,
    });
    stdout(`Listening at ${chatops.url}/slack/commands\n`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await chatops.close();
    return exitCodes.done;
  },
};

/** Loaded only when needed: the image of the release tools has no libraries, and `release --help` asks all commands. */
async function loadServer() {
  try {
    const { readChatopsConfig } = await import('./config.ts');
    const { startChatops } = await import('./server.ts');
    return { readChatopsConfig, startChatops };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new Error('release chatops needs a checkout with its libraries (npm ci); this image has none', {
      cause: error,
    });
  }
}

/** @throws {UsageError} for anything but an origin. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.href !== `${url.origin}/`) {
    throw new UsageError('--response-origin must be an origin, such as https://chat.example.com');
  }
  return url.origin;
}
