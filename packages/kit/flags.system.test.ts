import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';

import { createFlags, type FlagEvaluation, type Flags } from './flags.ts';

const flag = (defaultVariant: string, more: object = {}) => ({
  state: 'ENABLED',
  variants: { off: 0, on: 3 },
  defaultVariant,
  ...more,
});
const set = (flags: object) => JSON.stringify({ flags });

let services = 0;
/** @returns flags of a service of its own, what was evaluated, and what was logged. */
async function open(source: Partial<Parameters<typeof createFlags>[0]['source']>, context = {}) {
  const evaluations: FlagEvaluation[] = [];
  const lines: string[] = [];
  services += 1;
  const flags = await createFlags({
    service: `service-${services}`,
    source: { flagsFile: null, flagdHost: null, flagdPort: 0, ...source },
    context,
    evaluated: (evaluation) => evaluations.push(evaluation),
    logger: pino({}, { write: (line: string) => lines.push(line) }),
  });
  onTestFinished(() => flags.close());
  return { flags, evaluations, lines };
}

/** A file of flags, and a way to replace it at once. */
function flagFile(content: string) {
  const directory = mkdtempSync(join(tmpdir(), 'flags-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'flags.json');
  const write = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  write(content);
  return { path, write };
}

const changed = (flags: Flags) =>
  new Promise<void>((resolve) => {
    let calls = 0;
    flags.onChange(() => {
      calls += 1;
      if (calls === 2) resolve();
    });
  });

test('without a source every flag is as configured', async () => {
  const { flags, evaluations } = await open({});
  expect(await flags.number('log-flood', 7)).toBe(7);
  expect(flags.inForce()).toEqual([]);
  expect(evaluations).toEqual([]);
});

describe('a file of flags', () => {
  test('says which flags are on, and leaves a disabled one to what is configured', async () => {
    const { path } = flagFile(
      set({ 'log-flood': flag('on'), 'clock-skew': flag('off'), 'cold-cache': flag('on', { state: 'DISABLED' }) }),
    );
    const { flags } = await open({ flagsFile: path });
    expect(await flags.number('log-flood', 7)).toBe(3);
    expect(await flags.number('clock-skew', 7)).toBe(0);
    expect(await flags.number('cold-cache', 7)).toBe(7);
    expect(await flags.number('route-failures', 7)).toBe(7);
    expect(flags.inForce()).toEqual(['log-flood']);
  });

  test('tells every evaluation of a flag that is on, and no other', async () => {
    const { path } = flagFile(set({ 'log-flood': flag('on'), 'clock-skew': flag('off') }));
    const { flags, evaluations } = await open({ flagsFile: path });
    await flags.number('log-flood', 0);
    await flags.number('clock-skew', 0);
    await flags.number('cold-cache', 5);
    expect(evaluations).toEqual([
      { key: 'log-flood', variant: 'on', value: 3, reason: 'static', provider: 'flag file' },
    ]);
  });

  test('hides the name of a mystery', async () => {
    const { path } = flagFile(set({ 'log-flood': flag('on', { metadata: { mystery: true } }) }));
    const { flags, evaluations } = await open({ flagsFile: path });
    await flags.number('log-flood', 0);
    expect(flags.inForce()).toEqual(['mystery']);
    expect(evaluations.map(({ key }) => key)).toEqual(['mystery']);
  });

  test('targets a release', async () => {
    const targeting = { if: [{ '==': [{ var: 'release' }, '2'] }, 'on'] };
    const { path } = flagFile(set({ 'slow-release': flag('off', { targeting }) }));
    const [one, two] = await Promise.all(['1', '2'].map((release) => open({ flagsFile: path }, { release })));
    expect(await one?.flags.number('slow-release', 7)).toBe(0);
    expect(await two?.flags.number('slow-release', 7)).toBe(3);
    expect(two?.flags.inForce()).toEqual(['slow-release']);
  });

  test('is looked at again when it changes', async () => {
    const { path, write } = flagFile(set({ 'log-flood': flag('off') }));
    const { flags } = await open({ flagsFile: path });
    const change = changed(flags);
    write(set({ 'log-flood': flag('on') }));
    await change;
    expect(flags.inForce()).toEqual(['log-flood']);
    expect(await flags.number('log-flood', 0)).toBe(3);
  });

  test('that disables all flags is as configured, without OpenFeature, until one is switched on', async () => {
    const disabled = { state: 'DISABLED' };
    const { path, write } = flagFile(set({ 'log-flood': flag('on', disabled), 'clock-skew': flag('on', disabled) }));
    const { flags, evaluations, lines } = await open({ flagsFile: path });
    expect([await flags.number('log-flood', 7), flags.inForce()]).toEqual([7, []]);
    const change = changed(flags);
    write(set({ 'log-flood': flag('on'), 'clock-skew': flag('on', disabled) }));
    await change;
    expect([await flags.number('log-flood', 7), flags.inForce()]).toEqual([3, ['log-flood']]);
    expect(evaluations).toHaveLength(1);
    write(set({ 'log-flood': flag('on', disabled), 'clock-skew': flag('on', disabled) }));
    await expect.poll(() => flags.inForce(), { timeout: 20_000 }).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('that becomes invalid while all flags are disabled is told once', async () => {
    const { path, write } = flagFile(set({ 'log-flood': flag('on', { state: 'DISABLED' }) }));
    const { flags, lines } = await open({ flagsFile: path });
    write('{ "flags": ');
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1);
    expect(await flags.number('log-flood', 7)).toBe(7);
  });

  test('leaves the flags as they are when it becomes invalid, and says why once', async () => {
    const { path, write } = flagFile(set({ 'log-flood': flag('on') }));
    const { flags, lines } = await open({ flagsFile: path });
    write('{ "flags": ');
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ level: 40, file: path });
    expect(await flags.number('log-flood', 0)).toBe(3);
  });

  test('may be missing at the start and come later', async () => {
    const { path, write } = flagFile('');
    rmSync(path);
    const { flags } = await open({ flagsFile: path });
    expect(await flags.number('log-flood', 7)).toBe(7);
    const change = changed(flags);
    write(set({ 'log-flood': flag('on') }));
    await change;
    expect(await flags.number('log-flood', 7)).toBe(3);
  });
});

/** A server that speaks flagd's sync protocol: one stream of whole sets of flags. */
async function startFlagd(first: string) {
  const streams = new Set<ServerWritableStream<Buffer, Buffer>>();
  let current = first;
  const server = new Server();
  const method = {
    path: '/flagd.sync.v1.FlagSyncService/SyncFlags',
    requestStream: false,
    responseStream: true,
    requestSerialize: (value: Buffer) => value,
    requestDeserialize: (value: Buffer) => value,
    responseSerialize: (value: Buffer) => value,
    responseDeserialize: (value: Buffer) => value,
  };
  server.addService(
    { SyncFlags: method },
    {
      SyncFlags: (call: ServerWritableStream<Buffer, Buffer>) => {
        streams.add(call);
        call.write(message(current));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return {
    port,
    change(flags: string) {
      current = flags;
      for (const stream of streams) stream.write(message(current));
    },
  };
}

/** SyncFlagsResponse with its first field, flag_configuration: a length-delimited string. */
function message(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

describe('flagd', () => {
  test('says which flags are on, and tells changes', async () => {
    const flagd = await startFlagd(set({ 'log-flood': flag('off') }));
    const { flags, evaluations } = await open({ flagdHost: '127.0.0.1', flagdPort: flagd.port });
    expect(await flags.number('log-flood', 7)).toBe(0);
    const change = changed(flags);
    flagd.change(set({ 'log-flood': flag('on') }));
    await change;
    expect(await flags.number('log-flood', 7)).toBe(3);
    expect(flags.inForce()).toEqual(['log-flood']);
    expect(evaluations).toMatchObject([{ key: 'log-flood', provider: 'flagd' }]);
  });

  test('that cannot be reached keeps no service from starting', async () => {
    const server = new Server();
    const port = await new Promise<number>((resolve) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
    });
    server.forceShutdown();
    const { flags } = await open({ flagdHost: '127.0.0.1', flagdPort: port });
    expect(await flags.number('log-flood', 7)).toBe(7);
  });
});
