import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  askReleased,
  askSettled,
  askStatus,
  type ControlServer,
  sendPush,
  release,
  type ReleaseRequest,
  restart,
  setRate,
  startControl,
  type SuiteStatus,
} from './control.ts';
import { claimDataDirectory, type DataDirectory, readSuiteRecord } from './data-directory.ts';
import { Refusal } from './refusal.ts';

let path: string;
let rates: number[];
let releases: ReleaseRequest[];
let restarted: string[];
let control: ControlServer;
let directory: DataDirectory;
const status: SuiteStatus = {
  processes: [{ name: 'route', url: 'http://x', state: 'ready', restarts: 0 }],
  load: null,
};
const directories = { root: '/releases/1a2b3c4', version: '0.1.0+1a2b3c4', revision: '1a2b3c4'.padEnd(40, '0') };
const released = {
  revision: directories.revision,
  services: { route: { ...directories, ready: true } },
  previous: null,
};

const suite = {
  status: () => status,
  requestStop() {},
  setRate(rate: number) {
    if (rate === 13) throw new Refusal('not that one');
    rates.push(rate);
  },
  released: () => released,
  settled: () => Promise.resolve(released),
  release(asked: ReleaseRequest) {
    releases.push(asked);
    if (asked.revision === null) return Promise.reject(new Refusal('The new route does not become ready.'));
    return Promise.resolve({ before: released, after: released });
  },
  async restart(name: string) {
    if (name !== 'route') throw new Refusal(`There is no service "${name}" to restart; there are route.`);
    restarted.push(name);
    await Promise.resolve();
  },
  async push({ revision }: { revision: string }, tell: (line: string) => void) {
    tell(`released ${revision.slice(0, 7)} …`);
    await Promise.resolve();
    tell('passed');
  },
};

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'hotrod-control-'));
  rates = [];
  releases = [];
  restarted = [];
  directory = await claimDataDirectory(path, 'http://127.0.0.1:8080');
  control = await startControl(path, suite);
});
afterEach(() => {
  control.close();
  directory.release();
  rmSync(path, { recursive: true });
});
const publish = () => directory.record({ control: control.path });

describe('a command', () => {
  it('reaches the suite of the data directory', async () => {
    publish();
    expect(await askStatus(path)).toEqual(status);
    expect(await setRate(path, 20)).toEqual(status);
    expect(await askReleased(path)).toEqual(released);
    expect(await askSettled(path, new AbortController().signal)).toEqual(released);
    expect(rates).toEqual([20]);
  });
  it('is refused with a reason', async () => {
    publish();
    await expect(setRate(path, 13)).rejects.toThrow('not that one');
    await expect(setRate(path, -1)).rejects.toThrow('not valid');
    const asked = {
      services: [{ name: 'route', release: directories }],
      revision: null,
      checkout: null,
      isRollback: false,
      mark: null,
    };
    await expect(release(path, asked)).rejects.toThrow('The new route does not become ready.');
    expect(releases).toEqual([asked]);
  });
  it('restarts a service, and says which there are', async () => {
    publish();
    await restart(path, 'route');
    await expect(restart(path, 'router')).rejects.toThrow('There is no service "router" to restart; there are route.');
    expect(restarted).toEqual(['route']);
  });
  it('is refused while the suite starts, and when there is none', async () => {
    await expect(askStatus(path)).rejects.toThrow('still starting');
    directory.release();
    await expect(askStatus(path)).rejects.toThrow('No HotROD runs from');
  });
  it('reports a push line by line', async () => {
    publish();
    const lines: string[] = [];
    await sendPush(path, { revision: directories.revision, options: [] }, (line) => lines.push(line));
    expect(lines).toEqual(['released 1a2b3c4 …', 'passed']);
  });
  it('is bounded in size', async () => {
    publish();
    const code = await new Promise<number | string | undefined>((resolve) => {
      const asked = request({ socketPath: control.path, method: 'PUT', path: '/rate' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once('error', (error) => resolve(error.message)); // cut off while it was still sending
      asked.end(`{"ratePerSecond":1,"x":"${'x'.repeat(100_000)}"}`);
    });
    expect([400, 'write EPIPE', 'read ECONNRESET']).toContain(code);
    expect(rates).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('the socket', () => {
  it('is open to this user alone', () => {
    expect(statSync(control.path).mode & 0o777).toBe(0o600);
  });
  it('is elsewhere where the path of the data directory is too long for a socket', async () => {
    const deep = join(path, 'x'.repeat(120));
    mkdirSync(deep);
    const other = await startControl(deep, suite);
    expect(Buffer.byteLength(other.path)).toBeLessThan(104);
    expect(statSync(other.path).mode & 0o777).toBe(0o600);
    other.close();
    expect(existsSync(other.path)).toBe(false);
  });
  it('takes the place of one that a killed suite has left', async () => {
    const again = await startControl(path, suite);
    publish();
    expect(await askStatus(path)).toEqual(status);
    again.close();
  });
});

describe('a data directory', () => {
  it('belongs to one suite at a time', async () => {
    await expect(claimDataDirectory(path, 'http://127.0.0.1:9000')).rejects.toThrow(
      `One already runs from ${path} (process ${process.pid}, http://127.0.0.1:8080)`,
    );
    directory.release();
    const second = await claimDataDirectory(path, 'http://127.0.0.1:9000');
    expect(readSuiteRecord(path)?.url).toBe('http://127.0.0.1:9000');
    second.release();
    expect(readSuiteRecord(path)).toBeNull();
  });
  it.skipIf(process.platform === 'win32')('keeps its record from other users', () => {
    publish();
    expect(statSync(join(path, 'stack.json')).mode & 0o777).toBe(0o600);
  });
  it('that cannot be made is refused with advice', async () => {
    await expect(claimDataDirectory('/dev/null/x', '')).rejects.toThrow(/cannot be used .* --data-dir DIR/);
  });
});
