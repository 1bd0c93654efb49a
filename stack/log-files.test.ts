import { appendFileSync, closeSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { lastWords, openLogFiles } from './log-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-logs-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('files', () => {
  it('begin again with each start and keep the one before', () => {
    const first = openLogFiles(directory, ['route']);
    appendFileSync(first.path('route'), 'one\n');
    openLogFiles(directory, ['route']);
    appendFileSync(first.path('route'), 'two\n');
    expect(readFileSync(join(directory, 'route.log'), 'utf8')).toBe('two\n');
    expect(readFileSync(join(directory, 'route.1.log'), 'utf8')).toBe('one\n');
  });

  it('are cut when they outgrow their size, while their writer goes on', () => {
    const logs = openLogFiles(directory, ['route', 'never-written'], 100);
    const writer = logs.open('route');
    writeSync(writer, 'x'.repeat(101));
    logs.trim();
    writeSync(writer, 'after');
    closeSync(writer);
    expect(readFileSync(logs.path('route'), 'utf8')).toBe('after');
    expect(statSync(join(directory, 'route.1.log')).size).toBe(101);
    logs.trim();
    expect(readFileSync(logs.path('route'), 'utf8')).toBe('after');
  });

  it.skipIf(process.platform === 'win32')('are for their owner alone', () => {
    const logs = openLogFiles(join(directory, 'logs'), ['route']);
    closeSync(logs.open('route'));
    expect(statSync(join(directory, 'logs')).mode & 0o777).toBe(0o700);
    expect(statSync(logs.path('route')).mode & 0o777).toBe(0o600);
  });
});

describe('the last words', () => {
  it('are the error of a Node that crashed, not its stack or banner', () => {
    const crash = [
      '{"level":30,"msg":"Listening"}',
      'node:internal/modules/esm/resolve:283',
      '    throw new ERR_MODULE_NOT_FOUND(',
      '          ^',
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'pgx' imported from /x/database.ts",
      '    at finalizeResolution (node:internal/modules/esm/resolve:283:11) {',
      "  code: 'ERR_MODULE_NOT_FOUND'",
      '}',
      '',
      'Node.js v24.21.0',
      '',
    ].join('\n');
    expect(lastWords(crash)).toEqual({
      text: "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'pgx' imported from /x/database.ts",
      isError: true,
    });
  });
  it('are the message of a line of pino, with its error', () => {
    const line =
      '{"level":60,"err":{"message":"connect ECONNREFUSED"},"msg":"Uncaught error"}\n{"level":30,"msg":"Stopping"}\n';
    expect(lastWords(line)).toEqual({ text: 'Uncaught error: connect ECONNREFUSED', isError: true });
  });
  it('are the last line when no line names an error, and empty for an empty log', () => {
    expect(lastWords('a\nb\n')).toEqual({ text: 'b', isError: false });
    expect(lastWords('\n')).toBeNull();
  });
});
