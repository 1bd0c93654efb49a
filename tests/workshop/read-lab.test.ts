import { describe, expect, it } from 'vitest';

import { missingLine, readLab } from './read-lab.ts';

describe('a lab', () => {
  it('holds blocks that run once, in a terminal of their own, or until they are seen', () => {
    const lab = [
      '# Lab',
      '```sh terminal',
      'npm start',
      '```',
      'You see:',
      '```text',
      'HotROD runs …',
      '…',
      '```',
      '```sh',
      'cd x',
      'ls',
      '```',
      '```sql',
      'SELECT 1',
      '```',
      '```sh again',
      'curl x',
      '```',
      '```text',
      'a',
      '',
      'b',
      '```',
    ].join('\n');
    expect(readLab(lab)).toEqual([
      { line: 3, commands: 'npm start', kind: 'terminal', expected: ['HotROD runs …'] },
      { line: 11, commands: 'cd x\nls', kind: 'once', expected: [] },
      { line: 18, commands: 'curl x', kind: 'until-seen', expected: ['a', 'b'] },
    ]);
  });

  it.each([
    ['```text\na\n```', 'line 1: no commands'],
    ['```sh\na\n```\n## Next\n```text\na\n```', 'line 5: no commands'],
    ['```sh again\na\n```', 'line 2: nothing says when'],
    ['```sh terminal\na\n```', 'line 2: nothing says when'],
    ['```shell\na\n```', 'line 1: "shell" is none of'],
    ['```sh\na', 'line 1: the block is not closed'],
  ])('%j is refused', (lab, said) => expect(() => readLab(lab)).toThrow(said));
});

describe('what is expected', () => {
  const output = 'service,count\n"frontend", 12\n  customer   7 (0.5 %)\n';
  it.each([
    [['service,count', '"frontend", …'], null],
    [['customer 7 (0.5 %)'], null],
    [['front…1'], null],
    [['customer', 'frontend'], 'frontend'],
    [['customer', 'customer'], 'customer'],
    [['c.stomer'], 'c.stomer'],
    [[], null],
  ])('%j lacks %j', (expected, missing) => expect(missingLine(output, expected)).toBe(missing));
});
