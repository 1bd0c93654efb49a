import { spawn } from 'node:child_process';

import { describe, expect, it } from 'vitest';

/** A process that would hang for good is not there any more by then, on however slow a machine. */
const soonMs = 20_000;

/**
 * Starts a program that calls `shutdownOnSignal` with `closables`, says what each of them does, and is ended as told.
 *
 * @param end a signal, or code that runs once the program is up.
 */
async function run(
  closables: string,
  end: { signals: NodeJS.Signals[] } | { code: string },
  options: { drainMs?: number } = {},
) {
  const program = `
    import { shutdownOnSignal } from './shutdown.ts';
    const say = (level) => (what, message) => console.log(level, message ?? what);
    const logger = { info: say('info'), error: say('error'), fatal: say('fatal') };
    const closed = (name) => ({ name, close: async () => { console.log('closed', name); } });
    shutdownOnSignal(logger, [${closables}], ${JSON.stringify(options)});
    setInterval(() => {}, 1000);
    console.log('up');
    ${'code' in end ? end.code : ''}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  let output = '';
  let told = performance.now();
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output === 'up\n') {
      told = performance.now();
      if ('signals' in end) for (const signal of end.signals) child.kill(signal);
    }
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, lines: output.trimEnd().split('\n').slice(1), ms: performance.now() - told };
}

describe('shutdownOnSignal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('closes everything in order at %s, and ends with 0', async (signal) => {
    const result = await run("closed('server'), closed('database'), closed('telemetry')", { signals: [signal] });
    expect(result).toMatchObject({
      code: 0,
      lines: ['info Stopping', 'closed server', 'closed database', 'closed telemetry'],
    });
  });

  it('waits for one before it closes the next', async () => {
    const slow = `{ name: 'server', close: async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log('closed server');
    } }`;
    const result = await run(`${slow}, closed('database')`, { signals: ['SIGTERM'] });
    expect(result).toMatchObject({ code: 0, lines: ['info Stopping', 'closed server', 'closed database'] });
  });

  it('closes the rest where one fails, and ends with 1', async () => {
    const broken = "{ name: 'server', close: () => Promise.reject(new Error('no')) }";
    const result = await run(`${broken}, closed('telemetry')`, { signals: ['SIGTERM'] });
    expect(result).toMatchObject({
      code: 1,
      lines: ['info Stopping', 'error server did not stop cleanly', 'closed telemetry'],
    });
  });

  it.concurrent('ends with 1 in time where one hangs, and lets the last, which reports, have its turn', async () => {
    const hangs = "{ name: 'server', close: () => new Promise(() => {}) }";
    const result = await run(`${hangs}, closed('database'), closed('telemetry')`, { signals: ['SIGTERM'] });
    expect(result.code).toBe(1);
    expect(result.lines).toContain('error server did not stop cleanly');
    expect(result.lines).toContain('closed telemetry');
    expect(result.ms).toBeLessThan(soonMs);
  });

  it.concurrent('ends with 1 in time where the last hangs', async () => {
    const hangs = "{ name: 'telemetry', close: () => new Promise(() => {}) }";
    const result = await run(`closed('server'), ${hangs}`, { signals: ['SIGTERM'] });
    expect(result.code).toBe(1);
    expect(result.lines.at(-1)).toBe('error Not everything stopped within 4000 ms');
    expect(result.ms).toBeLessThan(soonMs);
  });

  const drains = `{ name: 'server', close: async (hurry) => {
    console.log(hurry.aborted ? 'hurries' : 'drains');
    if (!hurry.aborted) await new Promise((resolve) => hurry.addEventListener('abort', resolve));
    console.log('closed server');
  } }`;

  it('drains at SIGTERM for as long as it was told, and closes the rest then', async () => {
    const result = await run(`${drains}, closed('telemetry')`, { signals: ['SIGTERM'] }, { drainMs: 200 });
    expect(result).toMatchObject({ code: 0, lines: ['info Stopping', 'drains', 'closed server', 'closed telemetry'] });
    expect(result.ms).toBeGreaterThanOrEqual(200);
  });

  it('does not drain at SIGINT', async () => {
    const result = await run(drains, { signals: ['SIGINT'] }, { drainMs: 100_000 });
    expect(result).toMatchObject({ code: 0, lines: ['info Stopping', 'hurries', 'closed server'] });
  });

  it('ends a drain at SIGINT', async () => {
    const hurriesSoon = `closed('server'), ${drains}`;
    const result = await run(hurriesSoon, { signals: ['SIGTERM', 'SIGINT'] }, { drainMs: 100_000 });
    expect(result).toMatchObject({
      code: 0,
      lines: ['info Stopping', 'closed server', expect.any(String), 'closed server'],
    });
    expect(result.ms).toBeLessThan(soonMs);
  });

  it('closes everything once, however often it is told', async () => {
    const result = await run("closed('server')", { signals: ['SIGTERM', 'SIGINT', 'SIGTERM'] });
    expect(result).toMatchObject({ code: 0, lines: ['info Stopping', 'closed server'] });
  });

  it.each([
    ['an uncaught error', "setTimeout(() => { throw new Error('lost'); })"],
    ['a rejection that nobody handles', "void Promise.reject(new Error('lost'))"],
  ])('logs %s and ends the same way, with 1', async (_what, code) => {
    const result = await run("closed('server')", { code });
    expect(result).toMatchObject({ code: 1, lines: ['fatal Uncaught error', 'info Stopping', 'closed server'] });
  });
});
