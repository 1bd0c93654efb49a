import { expect, it } from 'vitest';

import { createBinder } from '../../sql.ts';
import type { KnownKey } from '../attributes.ts';
import { columnsOf, rootColumnsOf } from './compare-columns.ts';
import { branchesSql } from './compare-counting.ts';

it('reads the entry spans once, however many of their attributes all spans are compared by', () => {
  const known = ['hotrod.customer.name', 'hotrod.customer.id', 'session.id'].map(
    (key) => ({ key, type: 'string', place: 'span' }) as KnownKey,
  );
  const binder = createBinder();
  const columns = columnsOf('spans', known, {}, binder);
  const rootColumns = rootColumnsOf('spans', known, {}, binder);
  expect(rootColumns.map(({ key }) => key)).toEqual(expect.arrayContaining(['root.name', 'root.hotrod.customer.name']));
  expect(branchesSql(columns, rootColumns, new Map(), binder).match(/FROM roots/g)).toHaveLength(1);
  expect(columns.filter(({ value }) => value.includes('FROM roots'))).toEqual([]);
});
