import { describe, expect, it } from 'vitest';
import { FilterError } from './ast.ts';
import { addCondition, isCondition, negate, removeCondition, splitConditions } from './compose.ts';

describe('composing filters', () => {
  it('writes the condition that selects one value', () => {
    expect(isCondition('hotrod.customer.name', 'Value Walking')).toBe('hotrod.customer.name = "Value Walking"');
    expect(isCondition('db.query.text', 'SELECT "x"\n')).toBe('db.query.text = "SELECT \\"x\\"\\n"');
    expect(isCondition('error', null)).toBe('"error" !exists');
  });

  it('adds a condition once, with the parentheses it needs', () => {
    expect(addCondition('', 'a = 1')).toBe('a = 1');
    expect(addCondition('a = 1', '')).toBe('a = 1');
    expect(addCondition('a = 1', 'b = 2')).toBe('a = 1 and b = 2');
    expect(addCondition('a = 1 and b = 2', 'b=2')).toBe('a = 1 and b = 2');
    expect(addCondition('a = 1 or b = 2', 'c = 3 or d = 4')).toBe('(a = 1 or b = 2) and (c = 3 or d = 4)');
    expect(() => addCondition('a = ', 'b = 2')).toThrow(FilterError);
  });

  it('takes a condition away again', () => {
    expect(removeCondition('a = 1 and b = 2', 'b = 2')).toBe('a = 1');
    expect(removeCondition('b = 2', 'b = 2')).toBe('');
    expect(removeCondition('a = 1 or b = 2', 'b = 2')).toBe('a = 1 or b = 2');
    expect(splitConditions('a=1 and (b=2 or c=3) and not d exists')).toEqual([
      'a = 1',
      'b = 2 or c = 3',
      'not d exists',
    ]);
  });

  it('negates', () => {
    expect(
      [
        'a = 1',
        'a != 1',
        'a exists',
        'a !exists',
        'a in (1)',
        'a contains "x"',
        'a > 1',
        'a = 1 or b = 1',
        'not a > 1',
        '',
      ].map(negate),
    ).toEqual([
      'a != 1',
      'a = 1',
      'a !exists',
      'a exists',
      'a !in (1)',
      'a !contains "x"',
      'not a > 1',
      'not (a = 1 or b = 1)',
      'a > 1',
      '',
    ]);
  });
});
