import { useState } from 'preact/hooks';
import { beforeEach, describe, expect, test } from 'vitest';
import type { SpanDetail } from '../../contract/contract.ts';
import { all, click, focus, one, press, show, startAt, type } from '../fixtures/render.tsx';
import { state } from '../state/location.ts';
import { criticalPath } from './critical-path.ts';
import { buildTrace } from './model.ts';
import { Waterfall } from './waterfall.tsx';

function span(id: string, parent: string | null, startMs: number, ms: number): SpanDetail {
  return {
    spanId: id,
    parentSpanId: parent,
    service: 'frontend',
    name: id,
    kind: 'internal',
    startNs: String(startMs * 1e6),
    durationNs: String(ms * 1e6),
    status: 'unset',
    statusMessage: '',
    scope: '',
    attributes: {},
    resource: {},
    events: [],
    links: [],
  };
}

const ride = [
  span('dispatch', null, 0, 100),
  span('customer', 'dispatch', 1, 40),
  span('sql', 'customer', 2, 30),
  span('route', 'dispatch', 50, 40),
];

function Page({ spans }: { spans: SpanDetail[] }) {
  const [model] = useState(() => buildTrace({ traceId: 't', spans }));
  const [selected, select] = useState(model.nodes[0]);
  const found = model.nodes.find((node) => node.span.spanId === state.value.spanId) ?? selected;
  const [root] = model.roots;
  return found === undefined || root === undefined ? null : (
    <Waterfall
      model={model}
      path={criticalPath(root)}
      selected={found}
      onSelect={(node) => {
        startAt({ find: state.value.find });
        select(node);
      }}
    />
  );
}

const names = (): string[] =>
  all('treeitem').map((row) => /^frontend (.*),/.exec(row.getAttribute('aria-label') ?? '')?.[1] ?? '');
const selected = (): string | null => document.querySelector('[aria-selected=true]')?.id ?? null;

async function open(spans = ride) {
  await show(<Page spans={spans} />);
  await focus(one('tree'));
}

beforeEach(() => startAt());

describe('the rows of a trace', () => {
  test('are walked with the arrow keys', async () => {
    await open();
    expect([names(), selected()]).toEqual([['dispatch', 'customer', 'sql', 'route'], 'span-dispatch']);
    await press('ArrowDown', 'j');
    expect(selected()).toBe('span-sql');
    await press('k', 'End');
    expect(selected()).toBe('span-route');
    await press('ArrowDown');
    expect(selected()).toBe('span-route');
  });

  test('are closed with the left arrow, and opened with the right one', async () => {
    await open();
    await press('ArrowDown', 'ArrowLeft');
    expect([names(), selected()]).toEqual([['dispatch', 'customer', 'route'], 'span-customer']);
    await press('ArrowRight');
    expect(names()).toContain('sql');
    await press('ArrowLeft', 'ArrowLeft');
    expect(selected()).toBe('span-dispatch');
  });

  test('that are hidden do not stay selected', async () => {
    await open();
    await press('End', 'ArrowUp');
    expect(selected()).toBe('span-sql');
    await click(one('button', 'Collapse all'));
    expect([names(), selected()]).toEqual([['dispatch', 'customer', 'route'], 'span-customer']);
  });

  test('are searched: the first match is selected, and the next with its button', async () => {
    await open([...ride, span('sql again', 'route', 55, 5)]);
    await type(one('searchbox', 'Search in this trace'), 'sql');
    expect([selected(), document.body.textContent]).toEqual(['span-sql', expect.stringContaining('1 of 2')]);
    await click(one('button', 'Next match'));
    expect(selected()).toBe('span-sql again');
  });

  test('are drawn as far as they are in sight, in a trace of ten thousand', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      span(`span ${index}`, index === 0 ? null : 'span 0', index, 1),
    );
    await open(many);
    expect(all('treeitem').length).toBeGreaterThan(10);
    expect(all('treeitem').length).toBeLessThan(60);
  });
});
