import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import type { ReleaseRecord } from '../release/record/record-file.ts';
import { hookPatienceMs } from '../runner/execute.ts';
import { takeBackMs } from '../targets/target.ts';
import { readChatopsConfig } from './config.ts';
import { describeOrder } from './order.ts';
import { type CarryOut, createProgramRunner, graceMs, type OrderOutcome } from './program.ts';
import { type ChatopsOptions, startChatops } from './server.ts';
import { sign } from './signature.ts';

const secret = 'a-signing-secret-of-a-test';

/** What a response_url of Slack's is to the program: records what is told. */
async function startResponses(...statuses: number[]) {
  const told: { path: string; body: { response_type: string; text: string } }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { response_type: string; text: string };
      told.push({ path: request.url ?? '', body });
      response.writeHead(statuses.shift() ?? 200, { location: 'http://127.0.0.1:9/' }).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { told, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ranBefore: ReleaseRecord = {
  recordedMs: 1,
  releases: { customer: '0.1.0+aaaaaaa' },
  revisions: { customer: null },
};

/** Orders that are carried out when the test says so. A deploy of `unknown` does not know what ran before. */
function createWork() {
  const begun: {
    text: string;
    signal: AbortSignal;
    restore: ReleaseRecord | null;
    finish: (outcome: Omit<OrderOutcome, 'begun' | 'before'>) => void;
  }[] = [];
  const carryOut: CarryOut = ({ order, signal, restore }) =>
    new Promise((resolve) => {
      const before = order.name === 'deploy' && order.revision !== 'unknown' ? ranBefore : null;
      const finish = (outcome: Omit<OrderOutcome, 'begun' | 'before'>) => resolve({ ...outcome, begun: true, before });
      begun.push({ text: describeOrder(order), signal, restore, finish });
      signal.addEventListener('abort', () => finish({ succeeded: false, lines: 'ended' }), { once: true });
    });
  return { begun, carryOut };
}

const config = readChatopsConfig(
  JSON.stringify({
    environments: {
      production: { target: 'stack', repository: '.' },
      staging: { target: 'stack', repository: '.' },
      qa: { target: 'stack', repository: '.' },
    },
    people: {
      U01: { production: ['status', 'deploy', 'rollback'], staging: ['status', 'deploy'], qa: ['deploy', 'rollback'] },
      U02: { production: ['status'] },
      U03: { production: ['deploy'] },
    },
  }),
);

async function start(options: Partial<ChatopsOptions> = {}) {
  const responses = await startResponses();
  const work = createWork();
  const lines: string[] = [];
  const chatops = await startChatops({
    host: '127.0.0.1',
    port: 0,
    signingSecret: secret,
    config,
    responseOrigins: [responses.origin],
    mostOrders: 2,
    stillRunsAfterMs: 60_000,
    orderTimeoutMs: 60_000,
    statusTimeoutMs: 60_000,
    carryOut: work.carryOut,
    log: (line) => lines.push(line),
    ...options,
  });
  onTestFinished(() => chatops.close());
  let number = 0;
  /** A slash command as Slack sends it, signed now. */
  const form = (text: string, more: Record<string, string> = {}): string => {
    number += 1;
    return new URLSearchParams({
      token: 'legacy-token',
      team_id: 'T01',
      user_id: 'U01',
      user_name: 'ada',
      command: '/release',
      text,
      response_url: `${responses.origin}/commands/s3cret-path`,
      trigger_id: String(number),
      ...more,
    }).toString();
  };
  const post = (body: string, headers: Record<string, string> = {}) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return fetch(`${chatops.url}/slack/commands`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': sign(secret, timestamp, body),
        ...headers,
      },
      body,
    });
  };
  const say = async (text: string, more: Record<string, string> = {}): Promise<string> => {
    const answer = await post(form(text, more));
    expect(answer.status).toBe(200);
    const { response_type, text: said } = (await answer.json()) as { response_type: string; text: string };
    expect(response_type).toBe('ephemeral');
    return said;
  };
  return { ...work, ...responses, chatops, lines, form, post, say };
}

describe('a signed order', () => {
  test('is answered before its work is done, and its outcome is told behind', async () => {
    const { say, begun, told, lines } = await start();
    expect(await say('deploy production 1a2b3c4')).toBe('The deploy of 1a2b3c4 to production begins.');
    expect(told).toEqual([]);
    begun[0]?.finish({ succeeded: true, lines: 'better: <p95> fell & stayed' });
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]).toMatchObject({ path: '/commands/s3cret-path', body: { response_type: 'in_channel' } });
    expect(told[0]?.body.text).toMatch(
      /^:white_check_mark: The deploy of 1a2b3c4 to production is done after \d+ s, ordered by <@U01>\./,
    );
    expect(told[0]?.body.text).toContain('better: &lt;p95&gt; fell &amp; stayed');
    expect(lines.join('\n')).toContain('U01 orders the deploy of 1a2b3c4 to production');
    expect(lines.join('\n')).not.toMatch(/s3cret|signing|legacy/);
  });

  test('tells a failure as one, and a status to the one who asks alone', async () => {
    const { say, begun, told } = await start();
    await say('status production', { user_id: 'U02' });
    begun[0]?.finish({ succeeded: false, lines: 'no suite runs' });
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]?.body).toMatchObject({
      response_type: 'ephemeral',
      text: expect.stringMatching(/^:x: The status of production has failed/) as string,
    });
  });

  test('of somebody who may not do it is refused, and says so in the log', async () => {
    const { say, begun, lines } = await start();
    for (const [text, user] of [
      ['rollback production', 'U02'],
      ['rollback staging', 'U01'],
      ['status production', 'U99'],
      ['status elsewhere', 'U01'],
    ] as const) {
      expect(await say(text, { user_id: user })).toMatch(/^You may not/);
    }
    expect(begun).toEqual([]);
    expect(lines[0]).toBe('U02 may not: rollback of all services in production');
  });

  test('that cannot be read is answered with what there is', async () => {
    const { say, begun } = await start();
    expect(await say('destroy production')).toContain('deploy ENVIRONMENT REVISION');
    expect(begun).toEqual([]);
  });

  test('for a deploy waits for what changes the environment, and says who that is and how to end it', async () => {
    const { say, begun, told } = await start();
    await say('rollback production');
    const refusal =
      /^The rollback of all services in production, ordered by <@U01>, has been under way for \d+ s\. Wait for it, or end it with "cancel production"\.$/;
    expect(await say('deploy production main', { user_id: 'U03' })).toMatch(refusal);
    expect(await say('rollback production')).toMatch(refusal);
    expect(await say('status production', { user_id: 'U02' })).toMatch(
      /^The status of production begins\. The rollback of all services in production, ordered by <@U01>, has been under way/,
    );
    begun[0]?.finish({ succeeded: true, lines: '' });
    await expect.poll(() => told.length).toBe(1);
    // The outcome is here before the program knows that it has arrived; until then the order is under way.
    await expect.poll(() => say('deploy production main')).toMatch(/begins/);
  });

  test('for a rollback ends a deploy that hangs, and restores what ran before it', async () => {
    const { say, begun, told, lines } = await start();
    await say('deploy production main', { user_id: 'U03' });
    expect(await say('rollback production')).toMatch(
      /^The deploy of main to production, ordered by <@U03>, has been under way for \d+ s and is being ended by <@U01>\. That takes 10 min 0 s at most\.\nThe rollback of all services in production begins then, and restores what ran before that deploy\.$/,
    );
    expect(begun[0]?.signal.aborted).toBe(true);
    await expect.poll(() => begun.length).toBe(2);
    expect(begun[1]).toMatchObject({ text: 'rollback of all services in production', restore: ranBefore });
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]?.body.text).toMatch(
      /^:x: The deploy of main to production was ended by <@U01> after \d+ s, ordered by <@U03>\./,
    );
    begun[1]?.finish({ succeeded: true, lines: 'stack runs 0.1.0+aaaaaaa again' });
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]?.body.text).toContain('The rollback of all services in production is done');
    expect(lines).toContain('U01 ends the deploy of main to production');
  });

  test('for a rollback begins only when the deploy has ended; a second one does not begin beside it', async () => {
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    const { say, told } = await start({
      carryOut: ({ order }) => {
        begun.push(describeOrder(order));
        const outcome = { succeeded: false, begun: true, lines: '', before: ranBefore };
        return new Promise((resolve) => ends.push(() => resolve(outcome)));
      },
    });
    await say('deploy production main');
    await say('rollback production');
    expect(await say('rollback production')).toContain('Wait for it, or end it with "cancel production".');
    expect(begun).toEqual(['deploy of main to production']);
    ends[0]?.();
    await expect.poll(() => begun).toEqual(['deploy of main to production', 'rollback of all services in production']);
    ends[1]?.();
    await expect.poll(() => told.length).toBe(2);
  });

  test('for a rollback goes nowhere when nobody knows what ran before the deploy', async () => {
    const { say, begun, told } = await start();
    await say('deploy production unknown');
    await say('rollback production');
    await expect.poll(() => told.length).toBe(2);
    expect(told.map(({ body }) => body.text).join('\n')).toContain(
      'What ran before the deploy of unknown to production is not known. Ask for the status;',
    );
    expect(begun).toHaveLength(1);
    await expect.poll(() => say('rollback production')).toMatch(/begins\.$/);
  });

  test('to cancel ends what is under way, for who ordered it and for who may roll back', async () => {
    const { say, begun, told } = await start();
    expect(await say('cancel production')).toBe(
      'No deploy or rollback of production that was ordered here is under way.',
    );
    expect(await say('cancel production', { user_id: 'U02' })).toMatch(/^You may not/);
    await say('deploy production main');
    expect(await say('cancel production', { user_id: 'U03' })).toMatch(
      /It can be ended by <@U01>, and by those who may roll back\.$/,
    );
    expect(begun[0]?.signal.aborted).toBe(false);
    expect(await say('cancel production')).toMatch(
      /^The deploy of main to production, ordered by <@U01>, has been under way for \d+ s and is being ended by <@U01>\. That takes 10 min 0 s at most\.$/,
    );
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]?.body.text).toContain('was ended by <@U01>');
    await expect.poll(() => say('deploy production main', { user_id: 'U03' })).toMatch(/begins/);
    await say('cancel production', { user_id: 'U03' });
    await expect.poll(() => told.length).toBe(2);
  });

  test('to deploy waits while as many deploys and rollbacks as may be are under way; a rollback and a status do not', async () => {
    const { say, begun } = await start({ mostOrders: 2 });
    for (let count = 0; count < 4; count += 1) expect(await say('status production')).toMatch(/begins/);
    expect(await say('status production')).toMatch(/^4 statuses are under way/);
    expect(await say('deploy staging main')).toMatch(/begins/);
    expect(await say('rollback qa')).toMatch(/begins/);
    expect(await say('deploy production main')).toMatch(/^2 deploys and rollbacks are under way/);
    expect(await say('rollback production')).toMatch(/begins/);
    expect(begun.map(({ text }) => text).slice(4)).toEqual([
      'deploy of main to staging',
      'rollback of all services in qa',
      'rollback of all services in production',
    ]);
  });

  test('that takes long is told of and goes on; its outcome follows', async () => {
    const { say, begun, told, lines } = await start({ stillRunsAfterMs: 50 });
    await say('deploy production main');
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]?.body).toMatchObject({
      response_type: 'in_channel',
      text: expect.stringMatching(
        /^:hourglass_flowing_sand: The deploy of main to production still runs after \d+ s; it is ended after 1 min 0 s, or with "cancel production"\./,
      ) as string,
    });
    expect(lines.at(-1)).toMatch(/^the deploy of main to production still runs after/);
    expect(begun[0]?.signal.aborted).toBe(false);
    begun[0]?.finish({ succeeded: true, lines: 'better' });
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]?.body.text).toContain('is done');
  });

  test('for a status is ended after a time of its own', async () => {
    const { say, begun, told } = await start({ statusTimeoutMs: 50 });
    await say('deploy production main');
    await say('status production');
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]?.body.text).toContain('The status of production has failed');
    expect(begun.map(({ signal }) => signal.aborted)).toEqual([false, true]);
  });

  test('is ended when it takes too long, and when the program ends, and that is told', async () => {
    const late = await start({ orderTimeoutMs: 50 });
    await late.say('deploy production main');
    await expect.poll(() => late.told.length).toBe(1);
    expect(late.told[0]?.body.text).toContain('has failed');

    const ending = await start();
    await ending.say('deploy production main');
    await ending.chatops.close();
    expect(ending.begun[0]?.signal.aborted).toBe(true);
    expect(ending.told).toHaveLength(1);
  });
});

describe('what is refused', () => {
  test('a request that is unsigned, stale, or signed by another', async () => {
    const { form, post, begun } = await start();
    const body = form('deploy production main');
    const old = String(Math.floor(Date.now() / 1000) - 301);
    const cases: [Record<string, string>, number][] = [
      [{ 'x-slack-signature': '' }, 401],
      [{ 'x-slack-request-timestamp': '' }, 401],
      [{ 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 401],
      [{ 'x-slack-request-timestamp': old, 'x-slack-signature': sign(secret, old, body) }, 401],
      [{ 'content-type': 'application/json' }, 415],
    ];
    for (const [headers, status] of cases) expect((await post(body, headers)).status).toBe(status);
    expect(begun).toEqual([]);
  });

  test('a request that comes again, at the same moment, too', async () => {
    const { form, post, begun } = await start();
    const body = form('deploy production main');
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers = { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': sign(secret, timestamp, body) };
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(body, headers)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409]);
    expect(begun).toHaveLength(1);
  });

  test('a body that is too large, with its length said or not', async () => {
    const { post, chatops, begun } = await start();
    expect((await post('x'.repeat(16 * 1024 + 1))).status).toBe(413);
    const socket = connect(Number(new URL(chatops.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(
      'POST /slack/commands HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    for (let count = 0; count < 5; count += 1) socket.write(chunk);
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(begun).toEqual([]);
  });

  test('a request that does not end in time', async () => {
    const { chatops } = await start({ requestTimeoutMs: 100 });
    const socket = connect(Number(new URL(chatops.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let ended = false;
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => (ended = true));
    socket.write(
      'POST /slack/commands HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nx',
    );
    // Looked for every second; Node's default is every 30.
    await expect.poll(() => ended, { timeout: 20_000 }).toBe(true);
  });

  test('an address for the outcome that is not configured', async () => {
    const { form, post, begun, lines } = await start();
    for (const address of [
      'http://169.254.169.254/latest',
      'http://127.0.0.1:1/',
      'https://hooks.slack.com.example.com/',
    ]) {
      expect((await post(form('deploy production main', { response_url: address }))).status).toBe(400);
    }
    expect(begun).toEqual([]);
    expect(lines.join('\n')).not.toContain('169.254');
  });

  test('every other path and method', async () => {
    const { chatops } = await start();
    expect((await fetch(`${chatops.url}/slack/commands`)).status).toBe(405);
    expect((await fetch(`${chatops.url}/`)).status).toBe(404);
    expect(await (await fetch(`${chatops.url}/healthz`)).text()).toBe('ok\n');
  });
});

test('an outcome is told again where the first try fails, and follows no redirection', async () => {
  const responses = await startResponses(503);
  const { say, begun } = await start({ responseOrigins: [responses.origin] });
  await say('deploy production main', { response_url: `${responses.origin}/a` });
  begun[0]?.finish({ succeeded: true, lines: '' });
  await expect.poll(() => responses.told.length).toBe(2);

  const moved = await startResponses(302);
  const other = await start({ responseOrigins: [moved.origin] });
  await other.say('deploy production main', { response_url: `${moved.origin}/b` });
  other.begun[0]?.finish({ succeeded: true, lines: '' });
  await expect
    .poll(() => other.lines.at(-1))
    .toBe('the outcome of the deploy of main to production could not be told: status 302');
  expect(moved.told).toHaveLength(1);
});

test('programs run without the secret, and their last lines are the outcome', async () => {
  const run = createProgramRunner({ PATH: process.env['PATH'] });
  const environment = {
    target: 'stack' as const,
    repository: '.',
    branch: 'main',
    env: { HOTROD_DATA_DIR: '/nowhere' },
  };
  const outcome = await run({
    order: { name: 'status', environment: 'production' },
    environment,
    signal: new AbortController().signal,
    restore: null,
  });
  expect(outcome.succeeded).toBe(false);
  expect(outcome.lines).toMatch(/release: .*npm start/);
});

function createDirectory(): string {
  const parent = join(import.meta.dirname, '../../.hotrod/tmp');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'chatops-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A repository whose pipeline has the given steps, as YAML. @returns its path and its only commit. */
function createRepository(
  directory: string,
  steps: string,
  files: Readonly<Record<string, string>> = {},
): { repository: string; revision: string } {
  const repository = join(directory, 'repository');
  mkdirSync(repository);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(repository, name), content);
  writeFileSync(join(repository, 'codefresh.yml'), `version: '1.0'\nsteps:\n${steps.replaceAll(/^/gm, '  ')}\n`);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: repository,
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch=main', '.');
  git('add', '--all');
  git('commit', '--quiet', '--message=first');
  return { repository, revision: git('rev-parse', 'HEAD').trim() };
}

/** `release chatops` in a process group of its own, as a terminal starts it. */
async function startProgram(directory: string, repository: string) {
  const file = join(directory, 'chatops.json');
  writeFileSync(
    file,
    JSON.stringify({
      environments: { production: { target: 'stack', repository, env: { HOTROD_DATA_DIR: directory } } },
      people: { U01: { production: ['status', 'deploy', 'rollback'] } },
    }),
  );
  const responses = await startResponses();
  const main = join(import.meta.dirname, '../release/main.ts');
  const child = spawn(
    process.execPath,
    [main, 'chatops', `--config=${file}`, '--port=0', `--response-origin=${responses.origin}`],
    {
      env: { PATH: process.env['PATH'], CHATOPS_SIGNING_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => output).toMatch(/Listening at (\S+)/);
  const url = /Listening at (\S+)/.exec(output)?.[1] ?? '';
  const say = async (text: string): Promise<unknown> => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const response_url = `${responses.origin}/x`;
    const body = new URLSearchParams({ team_id: 'T01', user_id: 'U01', text, response_url }).toString();
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': sign(secret, timestamp, body),
      },
      body,
    });
    return answer.json();
  };
  return { ...responses, child, ended, output: () => output, say };
}

test('the program takes an order from the environment and the files that people give it', async () => {
  const { child, ended, output, say, told } = await startProgram(createDirectory(), '.');
  expect(await say('status production')).toMatchObject({ text: 'The status of production begins.' });
  await expect.poll(() => told.length).toBe(1);
  expect(told[0]?.body.text).toContain('has failed'); // no suite runs there
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(output()).not.toContain(secret);
});

test.skipIf(process.platform === 'win32')(
  'Ctrl-C lets a deploy that is under way run its hooks, though npm sends the signal again',
  async () => {
    const directory = createDirectory();
    const [begun, tidy] = [join(directory, 'begun'), join(directory, 'tidy')];
    const { repository } = createRepository(
      directory,
      `one: {image: x, commands: ['touch "${begun}"', sleep 300], hooks: {on_finish: [sleep 1, 'touch "${tidy}"']}}`,
    );
    const { child, ended, say, told } = await startProgram(directory, repository);
    expect(await say('deploy production main')).toMatchObject({ text: 'The deploy of main to production begins.' });
    await expect.poll(() => existsSync(begun)).toBe(true);
    // The whole group of the terminal gets it.
    for (let count = 0; count < 2; count += 1) process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(0);
    expect(existsSync(tidy)).toBe(true);
    expect(told[0]?.body.text).toContain('It was ended before it was done.');
  },
);

test.skipIf(process.platform === 'win32')(
  'a rollback gets past a deploy that hangs and ignores SIGTERM; its hooks still run',
  async () => {
    const directory = createDirectory();
    const [begun, tidy] = [join(directory, 'begun'), join(directory, 'tidy')];
    const { repository } = createRepository(
      directory,
      `one: {image: x, commands: ['trap "" TERM; touch "${begun}"; sleep 300'], hooks: {on_finish: ['touch "${tidy}"']}}`,
    );
    const { say, told } = await startProgram(directory, repository);
    await say('deploy production main');
    await expect.poll(() => existsSync(begun)).toBe(true);
    expect(await say('rollback production')).toMatchObject({
      text: expect.stringContaining('The rollback of all services in production begins then') as string,
    });
    await expect.poll(() => told.length, { timeout: 60_000 }).toBe(2);
    // They come on two connections, in any order.
    const texts = told.map(({ body }) => body.text).join('\n');
    expect(texts).toContain('The deploy of main to production was ended by <@U01>');
    expect(existsSync(tidy)).toBe(true);
    // No suite runs there, so nobody knows what ran.
    expect(texts).toContain('The rollback of all services in production has failed');
  },
);

test.skipIf(process.platform === 'win32')(
  'a second Ctrl-C ends the program at once, and the deploy that is under way still runs its hooks',
  async () => {
    const directory = createDirectory();
    const begun = join(directory, 'begun');
    const tidying = join(directory, 'tidying');
    const goOn = join(directory, 'go-on');
    const tidy = join(directory, 'tidy');
    const { repository } = createRepository(
      directory,
      `one: {image: x, commands: ['touch "${begun}"', sleep 300], hooks: {on_finish: [sleep 1, 'touch "${tidying}"', 'until [ -e "${goOn}" ]; do sleep 0.05; done', 'touch "${tidy}"']}}`,
    );
    const { child, ended, say } = await startProgram(directory, repository);
    await say('deploy production main');
    await expect.poll(() => existsSync(begun)).toBe(true);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    await expect.poll(() => existsSync(tidying)).toBe(true);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(130);
    writeFileSync(goOn, '');
    await expect.poll(() => existsSync(tidy)).toBe(true);
    // The last thing that a run does is to remove its volume.
    const runs = join(directory, 'runs');
    const [run = ''] = readdirSync(runs);
    await expect.poll(() => existsSync(join(runs, run, 'volume'))).toBe(false);
  },
);

/** The directory of a `kubectl` or `helm` that does what these lines of sh say. */
function createPrograms(directory: string, scripts: Readonly<Record<string, string>>): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return bin;
}

const kubernetesIn = (directory: string, repository: string) => ({
  target: 'kubernetes' as const,
  repository,
  branch: 'main',
  env: { HOTROD_DATA_DIR: directory },
});
const deployOfMain = { name: 'deploy' as const, environment: 'production', revision: 'main' };

test.skipIf(process.platform === 'win32')(
  'a rollback of a deploy that had not begun has nothing to do, and says so',
  async () => {
    const directory = createDirectory();
    const asked = join(directory, 'asked');
    const { repository } = createRepository(directory, `one: {image: x, commands: ['echo never']}`);
    const bin = createPrograms(directory, { kubectl: `touch "${asked}"\nexec sleep 300` });
    const run = createProgramRunner({ PATH: `${bin}:${process.env['PATH']}`, HOME: directory });
    const { say, told } = await start({
      carryOut: (request) => run({ ...request, environment: kubernetesIn(directory, repository) }),
    });
    await say('deploy production main');
    await expect.poll(() => existsSync(asked)).toBe(true);
    await say('rollback production');
    await expect.poll(() => told.length).toBe(2);
    const texts = told.map(({ body }) => body.text).join('\n');
    expect(texts).toContain('It was ended before it began.');
    expect(texts).toContain('The rollback of all services in production is done');
    expect(texts).toContain('The deploy of main to production had not begun; there is nothing to roll back.');
  },
);

test.skipIf(process.platform === 'win32')(
  'a deploy that does not end is killed after its patience, with what it has started',
  async () => {
    const directory = createDirectory();
    const helmPid = join(directory, 'helm-pid');
    const { repository } = createRepository(
      directory,
      `main_clone: {type: git-clone, repo: x, revision: main}
deploy: {type: helm, arguments: {action: install, chart_name: charts/hotrod, release_name: hotrod, custom_values: [services_customer_image_tag=x]}}`,
      { 'package.json': '{"version": "0.1.0"}' },
    );
    const bin = createPrograms(directory, {
      kubectl: 'exit 0',
      helm: `trap '' TERM\ncase "$1" in version) echo v4.0.0 ;; *) echo $$ > "${helmPid}.new"; mv "${helmPid}.new" "${helmPid}"; sleep 300 ;; esac`,
    });
    const run = createProgramRunner({ PATH: `${bin}:${process.env['PATH']}`, HOME: directory }, 500);
    const end = new AbortController();
    const outcome = run({
      order: deployOfMain,
      environment: kubernetesIn(directory, repository),
      signal: end.signal,
      restore: null,
    });
    await Promise.race([expect.poll(() => existsSync(helmPid)).toBe(true), outcome]);
    expect(existsSync(helmPid)).toBe(true);
    const pid = Number(readFileSync(helmPid, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    end.abort();
    expect(await outcome).toMatchObject({ succeeded: false, begun: true });
    await expect.poll(() => isAlive(pid)).toBe(false);
  },
);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a pipeline has longer to end than its target and its hooks may take', () => {
  // The step's on_finish, and the pipeline's on_fail and on_finish.
  expect(graceMs).toBeGreaterThan(takeBackMs + 3 * hookPatienceMs);
});

describe('on Kubernetes a deploy is compared with', () => {
  /** @returns what the pipeline is told about production, where all services run images of this tag. */
  async function baseOf(tagOf: (revision: string) => string): Promise<{ base: string | undefined; revision: string }> {
    const directory = createDirectory();
    const { repository, revision } = createRepository(
      directory,
      `one: {image: x, commands: ['echo "base is [$PRODUCTION_REVISION]"', exit 1]}`,
    );
    const deployment = {
      metadata: { generation: 1 },
      spec: {
        replicas: 1,
        template: { spec: { containers: [{ name: 'a', image: `example.org/hotrod/a:${tagOf(revision)}` }] } },
      },
      status: { observedGeneration: 1, updatedReplicas: 1, readyReplicas: 1 },
    };
    // What a cluster answers; a real one is asked in tests/deploy/cluster.test.ts.
    const bin = createPrograms(directory, { kubectl: `echo '${JSON.stringify(deployment)}'` });
    const run = createProgramRunner({ PATH: `${bin}:${process.env['PATH']}`, HOME: directory });
    const { lines, before } = await run({
      order: deployOfMain,
      environment: kubernetesIn(directory, repository),
      signal: new AbortController().signal,
      restore: null,
    });
    expect(before?.releases).toMatchObject({ customer: tagOf(revision).replace('_', '+') });
    return { base: /base is \[(.*)\]/.exec(lines)?.[1], revision };
  }

  test.skipIf(process.platform === 'win32')("the commit in the images' tags", async () => {
    const { base, revision } = await baseOf((commit) => `0.1.0_${commit.slice(0, 7)}`);
    expect(base).toBe(revision);
  });

  test.skipIf(process.platform === 'win32').each([
    ['the tag has no commit', '0.1.0'],
    ['the repository does not have the commit', '0.1.0_fffffff'],
    ['the tag ends in the name of a branch', '0.1.0_main'],
  ])('nothing where %s', async (_why, tag) => {
    expect((await baseOf(() => tag)).base).toBe('');
  });
});

test('the list of commands needs no library, as in the image of the release tools', async () => {
  // Outside of the checkout, where no node_modules is found.
  const directory = mkdtempSync(join(tmpdir(), 'release-tools-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(join(import.meta.dirname, '..'), join(directory, 'pipeline'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [join(directory, 'pipeline/release/main.ts'), ...args], {
      env: { PATH: process.env['PATH'], CHATOPS_SIGNING_SECRET: secret },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, output };
  };
  expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('chatops') as string });
  expect(await run('chatops', '--config=x.json')).toMatchObject({
    code: 1,
    output: expect.stringContaining('needs a checkout with its libraries') as string,
  });
});

test.each([
  [['chatops'], {}, '--config is missing'],
  [['chatops', '--config=x.json'], {}, 'CHATOPS_SIGNING_SECRET'],
  [['chatops', '--config=x.json', '--port=x'], { CHATOPS_SIGNING_SECRET: secret }, '--port'],
  [
    ['chatops', '--config=x.json', '--response-origin=http://a/b'],
    { CHATOPS_SIGNING_SECRET: secret },
    '--response-origin',
  ],
])('ends with 2 for wrong use: %s', async (args, env, message) => {
  const main = join(import.meta.dirname, '../release/main.ts');
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'], ...env } });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect([code, errors]).toEqual([2, expect.stringContaining(message)]);
});
