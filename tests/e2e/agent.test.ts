import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { root } from '../harness/suite.ts';
import { sendDispatches, slowStatement, waitForTraces } from '../harness/synthetic-dispatches.ts';

const program = join(root, 'observatory', 'mcp', 'main.ts');
/** A person needs four clicks: the slow band, a value, a point of the band, the statement. */
const clicksOfAPerson = 4;
/** About 1,000 tokens, for each answer. */
const mostCharacters = 4_000;

let observatory: RunningObservatory;

beforeAll(async () => {
  observatory = await startObservatory();
  await sendDispatches(observatory.otlpUrl, { count: 600, untilMs: Date.now() - 1_000, spreadMs: 120_000 });
  await waitForTraces(observatory.url, 600);
});
afterAll(() => observatory.stop());

type Transport = Parameters<Client['connect']>[0];

async function connect(transport: Transport): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return client;
}

function overStdio(url: string): Promise<Client> {
  const args = [program, '--observatory', url];
  return connect(new StdioClientTransport({ command: process.execPath, args, cwd: root, stderr: 'pipe' }));
}

async function overHttp(url: string): Promise<Client> {
  const address = await serve(url);
  return connect(new StreamableHTTPClientTransport(new URL(address)));
}

/** Starts the program with `--http 0`. @returns where it says that it listens. */
async function serve(url: string): Promise<string> {
  const child = spawn(process.execPath, [program, '--observatory', url, '--http', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  let said = '';
  for await (const chunk of child.stderr) {
    said += String(chunk);
    const address = /listening at (\S+),/.exec(said)?.[1];
    if (address) return address;
  }
  throw new Error(`It ended without listening: ${said}`);
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: args });
  const [content] = result.content as { type: string; text: string }[];
  return { text: content?.text ?? '', isError: result.isError === true };
}

describe.each([
  ['standard input and output', overStdio],
  ['HTTP', overHttp],
])('an agent over %s', (_, reach) => {
  test('finds the two slow customers and their statement in as few calls as a person needs clicks', async () => {
    const client = await reach(observatory.url);
    let calls = 0;
    const ask = async (name: string, args: Record<string, unknown>) => {
      calls += 1;
      const { text, isError } = await call(client, name, args);
      expect(isError, text).toBe(false);
      expect(text.length).toBeLessThan(mostCharacters);
      return text;
    };

    // It knows nothing but what the answers say.
    const band = /compare with min_ms=(\d+)/.exec(await ask('heatmap', {}))?.[1];
    expect(band).toBeDefined();
    const difference = await ask('compare', { min_ms: Number(band) });
    expect(difference).toContain('Value Walking: ');
    expect(difference).toContain('Bicycles Green: ');
    expect(difference.split('\n')[1]).toMatch(/hotrod\.customer\.(name|id)/);
    const trace = await ask('trace', { min_ms: Number(band) });
    expect(trace.split('\n')[2]).toContain(`db.query.text=${slowStatement}`);
    expect(calls).toBeLessThanOrEqual(clicksOfAPerson);
  });
});

describe('the tools', () => {
  test('only read, describe themselves, and cost an agent little before it asks', async () => {
    const client = await overStdio(observatory.url);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual([
      'attributes',
      'breakdown',
      'compare',
      'heatmap',
      'logs',
      'markers',
      'service_map',
      'slo',
      'trace',
      'traces',
    ]);
    for (const tool of tools) expect(tool).toMatchObject({ annotations: { readOnlyHint: true }, description: /\w/ });
    expect(JSON.stringify(tools).length).toBeLessThan(16_000);
  });

  test('answer every kind of question from a real Observatory', async () => {
    const client = await overStdio(observatory.url);
    const groups = await call(client, 'breakdown', { by: ['hotrod.customer.name'], limit: 2 });
    expect(groups.text).toMatch(/Value Walking: \d+, \d+, /);
    expect(groups.text).toMatch(/Bicycles Green: \d+, \d+, /);
    const statements = await call(client, 'breakdown', {
      by: ['db.query.text'],
      scope: 'spans',
      sort: 'p50',
      limit: 1,
    });
    expect(statements.text).toContain(slowStatement.slice(0, 100));
    const listed = await call(client, 'traces', { filter: 'hotrod.customer.name = "Value Walking"', limit: 3 });
    expect(listed.text.split('\n')).toHaveLength(3);
    const id = listed.text.slice(0, 32);
    expect((await call(client, 'trace', { trace_id: id })).text).toContain(`Trace ${id}: `);
    expect((await call(client, 'logs', { trace_id: id })).text).toBe('The trace has no log records.');
    expect((await call(client, 'attributes', { prefix: 'hotrod.customer' })).text).toContain('hotrod.customer.name');
    expect((await call(client, 'attributes', { key: 'hotrod.customer.name' })).text).toContain('Value Walking (');
    expect((await call(client, 'service_map')).text).toMatch(/frontend → customer: .*p95 /);
    expect((await call(client, 'slo')).text).toMatch(/budget left/);

    const written = await fetch(`${observatory.url}/1/markers/rides`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'build 42', type: 'deploy', url: 'https://ci.example.org/42' }),
    });
    expect(written.status).toBe(201);
    const until = new Date(Date.now() + 60_000).toISOString();
    expect((await call(client, 'markers', { until })).text).toMatch(
      /to open deploy: build 42 https:\/\/ci\.example\.org\/42/,
    );
  });

  test('say what is wrong with a filter and where, as an error that the agent can mend', async () => {
    const client = await overStdio(observatory.url);
    const { text, isError } = await call(client, 'heatmap', { filter: 'duration >' });
    expect(isError).toBe(true);
    expect(text).toMatch(/parameter filter\).* At character \d+\./);
  });

  test('say where they looked and what to do when no Observatory answers', async () => {
    const client = await overStdio('http://127.0.0.1:1');
    const { text, isError } = await call(client, 'heatmap');
    expect(isError).toBe(true);
    expect(text).toContain('The Observatory does not answer at http://127.0.0.1:1');
    expect(text).toContain('npm start');
  });
});

test('refuses requests that name a host or an origin of a stranger', async () => {
  const url = await serve(observatory.url);
  const post = (headers: Record<string, string>) =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{}' });
  const refused = await post({ origin: 'https://stranger.example' });
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain('--allowed-host');
  expect((await post({ origin: 'http://198.51.100.7' })).status).toBe(403);
  expect((await post({ origin: 'http://localhost:5173' })).status).not.toBe(403);
  // The last is no URL.
  for (const path of ['/', '//']) expect((await fetch(new URL(url).origin + path)).status).toBe(404);
});

test.each([
  [['--help'], 0, 'stdout', /Model Context Protocol/],
  [['--htp', '1'], 2, 'stderr', /Unknown option '--htp'.*--help/s],
  [['--http', 'x'], 2, 'stderr', /--http takes a port/],
  [['--observatory', 'localhost:8088'], 2, 'stderr', /--observatory takes a URL/],
] as const)('called with %j ends with exit code %i and says so on %s', (args, code, stream, said) => {
  const result = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  expect(result.status).toBe(code);
  expect(result[stream]).toMatch(said);
});
