import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { pageRoutes } from './page-routes.ts';

const html = '<!doctype html><head><meta name="traceparent" content="" /></head>';

let directory: string;
let lines: { level: number; msg: string }[];
const servers: RunningServer[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-page-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), html);
  writeFileSync(join(directory, 'secret.txt'), 'hunter2');
  writeFileSync(join(directory, 'assets', 'main-abc123.js'), 'code');
  lines = [];
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(directory, { recursive: true, force: true });
});

async function serve(): Promise<string> {
  const logger = createLogger('test', 'info', {
    write: (line: string) => lines.push(JSON.parse(line) as { level: number; msg: string }),
  });
  const routes = pageRoutes({ directory, logger });
  const server = await listen(createApp({ logger, ready: {}, routes }), '127.0.0.1', 0);
  servers.push(server);
  return server.url;
}

describe('the page', () => {
  it('may load and ask its own origin and nothing else, and is not kept', async () => {
    const response = await fetch(await serve());
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('names no trace where telemetry is off', async () => {
    expect(await (await fetch(await serve())).text()).toBe('<!doctype html><head></head>');
  });

  it('is served as it is where it has no place for the trace, which is told', async () => {
    writeFileSync(join(directory, 'index.html'), '<!doctype html>');
    expect(await (await fetch(await serve())).text()).toBe('<!doctype html>');
    expect(lines).toMatchObject([{ level: 40, msg: expect.stringContaining('traceparent') }]);
  });

  it('has its assets kept for ever, and gives nothing else away', async () => {
    const url = await serve();
    const asset = await fetch(`${url}/assets/main-abc123.js`);
    expect(await asset.text()).toBe('code');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    for (const path of ['/secret.txt', '/assets/..%2fsecret.txt', '/assets/none.js', '/assets/']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain('hunter2');
    }
  });
});
