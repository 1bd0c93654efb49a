import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Heatmap as HeatmapData } from '../../contract/contract.ts';
import { focus, one, press, show, startAt } from '../fixtures/render.tsx';
import { Heatmap } from './heatmap.tsx';

/** 10 columns of 3 s, 4 rows of durations; most spans are in column 4 of row 1. */
const heatmap = (from = 60_000): HeatmapData => ({
  from,
  to: from + 30_000,
  stepMs: 3_000,
  columns: 10,
  scale: 'log',
  edgesMs: [100, 316.227766, 1000, 3162.27766, 10_000],
  total: 12,
  errors: 1,
  cells: [
    [4, 1, 9, 0, 0],
    [5, 2, 3, 1, 0],
  ],
});

async function open() {
  const acts = { onBox: vi.fn(), onOpen: vi.fn(), onClear: vi.fn() };
  const draw = (data: HeatmapData) => <Heatmap heatmap={data} markers={[]} box={null} lit={false} {...acts} />;
  const redraw = await show(draw(heatmap()));
  const plot = one('application', 'Heatmap');
  await focus(plot);
  return { ...acts, redraw: (data: HeatmapData) => redraw(draw(data)) };
}
const said = (): string => document.querySelector('[aria-live=polite]')?.textContent ?? '';

beforeEach(() => startAt());

describe('the heatmap by keyboard', () => {
  test('begins at the cell that holds most, and says what a cell holds', async () => {
    await open();
    expect(said()).toContain('9 spans');
    await press('ArrowRight', 'ArrowUp');
    expect(said()).toContain('3 spans, 1 error');
    await press('ArrowUp');
    expect(said()).toContain('nothing');
  });

  test('opens a cell that holds spans with Enter, and not an empty one', async () => {
    const { onOpen } = await open();
    await press('Enter');
    expect(onOpen).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ fromMs: 72_000, toMs: 75_000, minMs: 316.227766, maxMs: 1000 }),
    );
    await press('ArrowDown', 'Enter');
    expect(onOpen).toHaveBeenCalledOnce();
  });

  test('selects with Shift and arrows, and compares with Enter', async () => {
    const { onBox } = await open();
    await press('Shift+ArrowRight', 'Shift+ArrowUp');
    expect(said()).toContain('Enter compares');
    await press('Enter');
    expect(onBox).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ fromMs: 72_000, toMs: 78_000, minMs: 316.227766, maxMs: 3162.27766 }),
    );
  });

  test('leaves a selection under way with Escape, and clears the last one with the next', async () => {
    const { onBox, onClear } = await open();
    await press('Shift+ArrowRight', 'Escape');
    expect([onClear.mock.calls.length, said().includes('Enter compares')]).toEqual([0, false]);
    await press('Escape');
    expect([onClear.mock.calls.length, onBox.mock.calls.length]).toEqual([1, 0]);
  });

  test('keeps the heatmap on which a selection began while newer ones arrive', async () => {
    const { onBox, redraw } = await open();
    await press('Shift+ArrowRight');
    await redraw(heatmap(63_000));
    await press('Enter');
    expect(onBox).toHaveBeenCalledWith(
      expect.objectContaining({ from: 60_000 }),
      expect.objectContaining({ fromMs: 72_000 }),
    );
  });

  test('stays within the plot', async () => {
    await open();
    await press('Home', 'ArrowLeft', 'PageDown', 'PageDown', 'ArrowDown');
    const corner = said();
    await press('ArrowLeft', 'ArrowDown');
    expect(said()).toBe(corner);
  });
});
