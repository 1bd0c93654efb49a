import { expect, it } from 'vitest';

import { createBinder, sql } from '../../sql.ts';
import type { KnownKey } from '../attributes.ts';
import { columnsOf, rootColumnsOf } from './compare-columns.ts';
import { branchesSql, rootsSql } from './compare-counting.ts';

it('reads the entry spans once, however many of their attributes all spans are compared by', () => {
  const known = ['hotrod.customer.name', 'hotrod.customer.id', 'session.id'].map(
    (key) => ({ key, type: 'string', place: 'span' }) as KnownKey,
  );
  const binder = createBinder();
  const columns = columnsOf('spans', known, {}, binder);
  const rootColumns = rootColumnsOf('spans', known, {}, binder);
  expect(rootColumns.map(({ key }) => key)).toEqual(expect.arrayContaining(['root.name', 'root.hotrod.customer.name']));
  const readings = (some: typeof rootColumns) => {
    const { traces, counted } = rootsSql(sql`spans`, some, new Map(), binder);
    expect(counted).not.toContain('roots');
    return traces.match(/\broots\b|settled_roots/g);
  };
  // Those that are alone in their trace, the others, and which are which.
  expect(readings(rootColumns)).toEqual(['settled_roots', 'settled_roots', 'settled_roots']);
  expect(readings(rootColumns.slice(0, 1))).toEqual(readings(rootColumns));
  expect(branchesSql(columns, new Map(), binder)).not.toContain('roots');
});
