import { beforeEach, describe, expect, test } from 'vitest';
import type { AttributeKey } from '../../contract/contract.ts';
import { all, answerApi, blur, click, focus, one, press, show, startAt, type } from '../fixtures/render.tsx';
import { go, state } from '../state/location.ts';
import { FilterInput } from './filter-input.tsx';
import { keysKnown } from './suggestions.ts';

const keys: AttributeKey[] = [
  { key: 'hotrod.customer.name', type: 'string', spans: 90 },
  { key: 'http.route', type: 'string', spans: 500 },
];

beforeEach(() => startAt());

async function open(filter = '') {
  startAt({ filter });
  answerApi({ '/api/attributes': keys });
  await show(<FilterInput />);
  const field = one('combobox', 'Filter');
  await focus(field);
  await expect.poll(() => keysKnown()).toHaveLength(keys.length);
  return field as HTMLInputElement;
}

/** When the browser next handles an event. */
const nextTask = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));

describe('the search box', () => {
  test('offers keys while a word is typed, and takes one with the keyboard', async () => {
    const field = await open();
    await type(field, 'customer');
    expect(all('option').map((option) => option.querySelector('code')?.textContent)).toContain('hotrod.customer.name');
    await press('ArrowDown');
    expect(field.getAttribute('aria-activedescendant')).toBe('filter-offer-0');
    await press('Enter');
    expect(field.value.trim()).toBe('hotrod.customer.name');
    expect(state.value.filter).toBe('');
  });

  test('puts the caret after an accepted completion at once', async () => {
    const field = await open();
    await type(field, 'customer and error = true', 'customer'.length);
    await press('ArrowDown', 'Enter');
    expect([field.value, field.selectionStart]).toEqual(['hotrod.customer.name and error = true', 21]);
  });

  test('keeps a letter typed right after another filter is applied', async () => {
    const field = await open();
    go({ filter: 'error = true' });
    await nextTask();
    // Not by `type`, which waits for the next frame before the letter and after it.
    field.value = 'h';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    await nextTask();
    expect(field.value).toBe('h');
  });

  test('applies the filter with Enter', async () => {
    const field = await open();
    await type(field, 'http.route = "/dispatch"');
    await press('Enter');
    expect([state.value.filter, all('option')]).toEqual(['http.route = "/dispatch"', []]);
  });

  test('applies the filter when the field is left', async () => {
    const field = await open();
    await type(field, 'error = true');
    await blur();
    expect(state.value.filter).toBe('error = true');
  });

  test('shows where a filter is wrong, and keeps the applied one', async () => {
    const field = await open('error = true');
    await type(field, 'error = ');
    await press('Enter');
    expect(one('alert').textContent).toContain('error =');
    expect([state.value.filter, field.getAttribute('aria-invalid')]).toEqual(['error = true', 'true']);
    await type(field, 'error = false');
    expect(all('alert')).toEqual([]);
  });

  test('closes the offers with Escape, and brings the applied filter back with the next', async () => {
    const field = await open('error = true');
    await type(field, 'h');
    expect(all('option').length).toBeGreaterThan(0);
    await press('Escape');
    expect([all('option'), field.value]).toEqual([[], 'h']);
    await press('Escape');
    expect(field.value).toBe('error = true');
  });

  test('opens a trace whose id is pasted', async () => {
    const field = await open('error = true');
    await type(field, '4bf92f3577b34da6a3ce929d0e0e4736');
    expect([state.value.traceId, state.value.filter]).toEqual(['4bf92f3577b34da6a3ce929d0e0e4736', 'error = true']);
  });

  test('is cleared with its button', async () => {
    await open('error = true');
    await click(one('button', 'Clear the filter'));
    expect(state.value.filter).toBe('');
  });

  test('says that nothing has a key, and offers the nearest', async () => {
    await open('hotrod.custmer.name = "Alice"');
    await expect.poll(() => one('status').textContent).toContain('hotrod.custmer.name');
    await click(one('button', 'hotrod.customer.name'));
    expect(state.value.filter).toBe('hotrod.customer.name = "Alice"');
  });
});
