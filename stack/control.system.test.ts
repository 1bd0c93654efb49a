import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { command, type ControlServer, startControl, type SuiteStatus } from './control.ts';
import { claimDataDirectory, type DataDirectory, readSuiteRecord } from './data-directory.ts';
import { Refusal } from './refusal.ts';

let path: string;
let rates: number[];
let control: ControlServer;
let directory: DataDirectory;
const status: SuiteStatus = {
  processes: [{ name: 'route', url: 'http://x', state: 'ready', restarts: 0 }],
  load: null,
};

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'hotrod-control-'));
  rates = [];
  directory = await claimDataDirectory(path, 'http://127.0.0.1:8080');
  control = await startControl({
    status: () => status,
    setRate(rate) {
      if (rate === 13) throw new Refusal('not that one');
      rates.push(rate);
    },
  });
});
afterEach(() => {
  control.close();
  directory.release();
  rmSync(path, { recursive: true });
});
const publish = () => directory.record({ control: { port: control.port, token: control.token } });

describe('a command', () => {
  it('reaches the suite of the data directory', async () => {
    publish();
    expect(await command(path, null)).toEqual(status);
    expect(await command(path, 20)).toEqual(status);
    expect(rates).toEqual([20]);
  });
  it('is told why it is refused', async () => {
    publish();
    await expect(command(path, 13)).rejects.toThrow('not that one');
    await expect(command(path, -1)).rejects.toThrow('not valid');
  });
  it('is told to wait while the suite starts, or that there is none', async () => {
    await expect(command(path, 5)).rejects.toThrow('still starting');
    directory.release();
    await expect(command(path, 5)).rejects.toThrow('No HotROD runs from');
  });
  it('without the token does nothing', async () => {
    for (const authorization of ['', 'Bearer x', `Bearer ${control.token}x`, control.token]) {
      const response = await fetch(`http://127.0.0.1:${control.port}/rate`, {
        method: 'PUT',
        body: '{"ratePerSecond":99}',
        headers: { authorization },
      });
      expect(response.status).toBe(401);
    }
    expect(rates).toEqual([]);
  });
  it('is bounded in size', async () => {
    const response = await fetch(`http://127.0.0.1:${control.port}/rate`, {
      method: 'PUT',
      body: `{"ratePerSecond":1,"x":"${'x'.repeat(10_000)}"}`,
      headers: { authorization: `Bearer ${control.token}` },
    }).catch(() => ({ status: 400 })); // cut off while it was still sending
    expect(response.status).toBe(400);
    expect(rates).toEqual([]);
  });
});

describe('a data directory', () => {
  it('belongs to one suite at a time', async () => {
    await expect(claimDataDirectory(path, 'http://127.0.0.1:9000')).rejects.toThrow(
      `HotROD already runs from ${path} (process ${process.pid}, http://127.0.0.1:8080)`,
    );
    directory.release();
    const second = await claimDataDirectory(path, 'http://127.0.0.1:9000');
    expect(readSuiteRecord(path)?.url).toBe('http://127.0.0.1:9000');
    second.release();
    expect(readSuiteRecord(path)).toBeNull();
  });
  it.skipIf(process.platform === 'win32')('keeps its token from other users', () => {
    publish();
    expect(statSync(join(path, 'stack.json')).mode & 0o777).toBe(0o600);
  });
  it.each(['/dev/null/x', '/proc/hotrod'])(
    'that cannot be made (%s) is refused with what to do',
    async (impossible) => {
      await expect(claimDataDirectory(impossible, '')).rejects.toThrow(/cannot be used .* --data-dir DIR/);
    },
  );
});
