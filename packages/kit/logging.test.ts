import { describe, expect, it } from 'vitest';

import { createLineWriter, createLogger } from './logging.ts';

/** A file on a disk that has room for so many bytes. */
function createDisk(room: number) {
  const disk = { room, content: '', fault: 'ENOSPC' };
  const write = (_descriptor: number, bytes: Buffer) => {
    const count = Math.min(disk.room, bytes.length);
    if (count === 0) throw Object.assign(new Error('no room'), { code: disk.fault });
    disk.room -= count;
    disk.content += bytes.subarray(0, count).toString();
    return count;
  };
  return { disk, write };
}

describe('a line writer', () => {
  it('writes the whole line, however little the system takes at once', () => {
    const parts: Buffer[] = [];
    const writer = createLineWriter(1, (_descriptor, bytes) => {
      parts.push(bytes.subarray(0, 3));
      return Math.min(3, bytes.length);
    });
    writer.write('{"a":"größer"}\n');
    expect(Buffer.concat(parts).toString()).toBe('{"a":"größer"}\n');
  });

  it('loses lines on a full disk, and says how many when there is room again', () => {
    const { disk, write } = createDisk(12);
    const writer = createLineWriter(1, write);
    writer.write('{"line":1}\n');
    writer.write('{"line":2}\n'); // one byte of it
    writer.write('{"line":3}\n');
    disk.room = 1_000;
    writer.write('{"line":4}\n');
    writer.write('{"line":5}\n');
    const lines = disk.content.split('\n');
    expect(lines[0]).toBe('{"line":1}');
    expect(lines[1]).toBe('{');
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/^2 log lines .*ENOSPC/),
    });
    expect(lines.slice(3)).toEqual(['{"line":4}', '{"line":5}', '']);
  });

  it('waits a moment for a reader who is slow', () => {
    let tries = 0;
    let content = '';
    const writer = createLineWriter(1, (_descriptor, bytes) => {
      tries += 1;
      if (tries < 3) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      content += bytes.toString();
      return bytes.length;
    });
    writer.write('line\n');
    expect(content).toBe('line\n');
  });

  it('writes what a logger logs', () => {
    const { disk, write } = createDisk(1_000);
    createLogger('test', 'info', createLineWriter(1, write)).info('hello');
    expect(JSON.parse(disk.content)).toMatchObject({ service: 'test', msg: 'hello' });
  });
});
