import { beforeEach, describe, expect, test } from 'vitest';
import type { CompareAttribute } from '../../contract/contract.ts';
import { all, click, focus, one, press, show, startAt } from '../fixtures/render.tsx';
import { MenuHost } from '../shell/menu.tsx';
import { state } from '../state/location.ts';
import { Card } from './card.tsx';

const attribute: CompareAttribute = {
  key: 'hotrod.customer.name',
  same: [],
  kind: 'categories',
  score: 0.9,
  significant: true,
  distinct: 14,
  values: [
    {
      value: 'Value Walking',
      filter: 'hotrod.customer.name = "Value Walking"',
      selected: 88,
      baseline: 2,
      evidence: 0.8,
    },
    ...Array.from({ length: 12 }, (_, index) => ({
      value: `Customer ${index}`,
      filter: `hotrod.customer.name = "Customer ${index}"`,
      selected: 1,
      baseline: 50,
      evidence: 0,
    })),
  ],
};
const card = (open: boolean) => <Card attribute={attribute} selected={100} baseline={1_000} open={open} />;

beforeEach(() => startAt({ box: { fromMs: 1, toMs: 2, minMs: 1_500, maxMs: null } }));

describe('a comparison card', () => {
  test('shows the values that differ with their shares, the others on request', async () => {
    await show(card(true));
    const before = all('listitem').length;
    expect(one('button', 'Value Walking').textContent).toContain('88 % against 0.2 %');
    await click(one('button', 'more'));
    expect(all('listitem').length).toBeGreaterThan(before);
    expect(all('listitem', 'Customer 11').length).toBeGreaterThan(0);
    await click(one('button', 'Show what differs only'));
    expect(all('listitem')).toHaveLength(before);
  });

  test('names its strongest value while it is closed', async () => {
    await show(card(false));
    expect(document.querySelector('summary')?.textContent).toContain('Value Walking');
    expect(document.querySelector('details')?.open).toBe(false);
  });

  test('leads to the groups of its attribute', async () => {
    await show(card(true));
    await click(one('button', 'Group by'));
    expect([state.value.by, state.value.view]).toEqual([['hotrod.customer.name'], 'groups']);
  });
});

describe('the menu of a value', () => {
  async function open() {
    await show([card(true), <MenuHost key="menu" />]);
    const value = one('button', 'Value Walking');
    await focus(value);
    await click(value);
    return value;
  }

  test('has the focus on its first item, and is walked with the arrow keys, around its ends', async () => {
    await open();
    const items = all('menuitem');
    expect(document.activeElement).toBe(items[0]);
    await press('ArrowUp');
    expect(document.activeElement).toBe(items.at(-1));
    await press('ArrowDown', 'ArrowDown');
    expect(document.activeElement).toBe(items[1]);
  });

  test('is left with Escape, and the focus is back on the value', async () => {
    const value = await open();
    await press('Escape');
    expect([all('menu'), document.activeElement === value]).toEqual([[], true]);
  });

  test('filters by the value', async () => {
    await open();
    await click(one('menuitem', 'Show only this'));
    expect(state.value).toMatchObject({ filter: 'hotrod.customer.name = "Value Walking"', box: null });
    await expect.poll(() => all('menu')).toEqual([]);
  });
});
