import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { describe, expect, it } from 'vitest';

/** Runs a program of a few lines in a process of its own, in this directory. */
function run(program: string): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
    timeout: 60_000,
  });
  return { code: status, stdout, stderr };
}

describe('runMain', () => {
  it('says in one line that a port is taken, and what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const result = run(`
      import { createServer } from 'node:http';
      import { once } from 'node:events';
      import { runMain } from './main.ts';
      await runMain('route', async () => { await once(createServer().listen(${port}, '127.0.0.1'), 'listening'); });`);
    await new Promise((resolve) => other.close(resolve));
    expect(result).toEqual({
      code: 1,
      stdout: '',
      stderr: `route: port ${port} is taken by another program. Stop that program, or set PORT to a free port.\n`,
    });
  });

  it('names every wrong setting, and ends with a code of its own', () => {
    const result = run(`
      import { listenSettings, readConfig, url } from './config.ts';
      import { runMain } from './main.ts';
      const settings = { ...listenSettings(1), databaseUrl: url('DATABASE_URL', undefined, 'the Postgres to use') };
      await runMain('driver', async () => { readConfig(settings, { PORT: 'http' }); });`);
    expect(result.code).toBe(2);
    expect(result.stderr.split('\n')).toEqual([
      'driver: PORT is not valid: not a number. It is the port to listen on (0: any free one).',
      'DATABASE_URL is not set; it is the Postgres to use.',
      '',
    ]);
  });

  it.each([
    ['at once where nobody else listens', '', 143],
    ['as whoever listens decides', "process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50));", 7],
  ])('ends at SIGTERM, also as process 1 of a container: %s', (_how, listen, code) => {
    const result = run(`
      import { runMain } from './main.ts';
      await runMain('driver', async () => {
        ${listen}
        process.kill(process.pid, 'SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 30_000));
      });`);
    expect(result.code).toBe(code);
  });

  it.each([
    ["new Error('No page.')", 'No page.'],
    ["new Error('No database.', { cause: new Error('refused') })", 'No database. (refused)'],
    [
      "new Error('No database.', { cause: new AggregateError([new Error('connect ECONNREFUSED ::1:5432')]) })",
      'No database. (connect ECONNREFUSED ::1:5432)',
    ],
    ['new AggregateError([])', 'AggregateError'],
    ["'no more'", 'no more'],
  ])('says what went wrong in one line, without a stack: %s', (thrown, line) => {
    const result = run(`
      import { runMain } from './main.ts';
      await runMain('driver', async () => { throw ${thrown}; });`);
    expect(result).toEqual({ code: 1, stdout: '', stderr: `driver: ${line}\n` });
  });

  it('leaves a program that is up alone', () => {
    const result = run(`
      import { runMain } from './main.ts';
      await runMain('driver', async () => { console.log('up'); });
      process.exitCode = 7;`);
    expect(result).toEqual({ code: 7, stdout: 'up\n', stderr: '' });
  });
});

describe('createLogger', () => {
  it('writes one JSON object a line, with the service, and loses none to a crash', () => {
    const result = run(`
      import { createLogger } from './logging.ts';
      const logger = createLogger('route', 'info');
      logger.debug('not this');
      logger.info({ eta: 3 }, 'Computed\\nit');
      logger.error({ err: new Error('why') }, 'Failed');
      process.kill(process.pid, 'SIGKILL');`);
    const lines = result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { level: 30, service: 'route', eta: 3, msg: 'Computed\nit', time: expect.stringMatching(/^\d{4}-.*Z$/) },
      { level: 50, service: 'route', msg: 'Failed', err: { message: 'why', stack: expect.stringContaining('why') } },
    ]);
  });

  it('is silent where told', () => {
    const result = run(`
      import { createLogger } from './logging.ts';
      createLogger('route', 'silent').fatal('no');`);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
