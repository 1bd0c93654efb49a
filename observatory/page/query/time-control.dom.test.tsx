import { beforeEach, expect, test } from 'vitest';
import { all, choose, click, one, show, startAt, type } from '../fixtures/render.tsx';
import { range } from '../state/clock.ts';
import { isLive, state } from '../state/location.ts';
import { TimeControl } from './time-control.tsx';

beforeEach(() => startAt({ last: '10m' }));

test('a preset changes how far back the range goes', async () => {
  await show(<TimeControl />);
  await choose(one('combobox'), '1h');
  expect([state.value.last, isLive.value]).toEqual(['1h', true]);
});

test('pause holds the range that is shown, and going live lets it go', async () => {
  await show(<TimeControl />);
  const { fromMs, toMs } = range.value;
  await click(one('button', 'Pause'));
  expect([state.value.from, state.value.to]).toEqual([fromMs, toMs]);
  expect(one('status').textContent).toContain('Paused');
  expect((one('combobox') as HTMLSelectElement).value).toBe('fixed');
  await click(one('button', 'Go live'));
  expect([isLive.value, (one('combobox') as HTMLSelectElement).value]).toEqual([true, '10m']);
});

test('a preset ends a fixed range', async () => {
  startAt({ from: 1_000, to: 2_000 });
  await show(<TimeControl />);
  await choose(one('combobox'), '5m');
  expect([state.value.from, state.value.to, state.value.last]).toEqual([null, null, '5m']);
});

test('an exact range is taken when it ends after it begins', async () => {
  await show(<TimeControl />);
  await choose(one('combobox'), 'exact');
  const [from, to] = [...document.querySelectorAll<HTMLInputElement>('input[type=datetime-local]')];
  if (from === undefined || to === undefined) throw new Error('there are no two fields');
  const submit = () => one('button', 'Show') as HTMLButtonElement;
  await type(from, '2026-01-02T10:00:00');
  await type(to, '2026-01-02T09:00:00');
  expect([submit().disabled, document.body.textContent]).toEqual([
    true,
    expect.stringContaining('The end must come after the beginning.'),
  ]);
  await type(to, '2026-01-02T11:00:00');
  await click(submit());
  expect((state.value.to ?? 0) - (state.value.from ?? 0)).toBe(3_600_000);
  expect(all('button', 'Show')).toEqual([]);
});
