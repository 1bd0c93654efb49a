import { describe, expect, test } from 'vitest';
import type { SpanDetail } from '../../contract/contract.ts';
import { criticalPath, heaviest, ownTimes } from './critical-path.ts';
import { buildTrace, isEntry, type Node } from './model.ts';
import { ancestors, descendants, matchBeside, matches, shownFor, visibleRows } from './rows.ts';
import { offsetTicks } from './time-ticks.ts';

const origin = 1_795_252_550_123_456_789n;

/** A span from `start` to `end`, nanoseconds from the beginning. */
function span(
  id: string,
  parent: string | null,
  start: number,
  end: number,
  more: Partial<SpanDetail> = {},
): SpanDetail {
  return {
    spanId: id,
    parentSpanId: parent,
    service: 'frontend',
    name: id,
    kind: 'internal',
    startNs: String(origin + BigInt(start)),
    durationNs: String(end - start),
    status: 'unset',
    statusMessage: '',
    scope: '',
    attributes: {},
    resource: {},
    events: [],
    links: [],
    ...more,
  };
}

const build = (...spans: SpanDetail[]) => buildTrace({ traceId: 't', spans });
const root = (model: ReturnType<typeof build>): Node => {
  const [first] = model.roots;
  if (first === undefined) throw new Error('no root');
  return first;
};

describe('a trace', () => {
  test('is a tree in order of time, exact to the nanosecond', () => {
    const model = build(span('late', 'root', 700, 701), span('root', null, 0, 1000), span('early', 'root', 1, 600));
    expect(model.nodes.map((node) => [node.span.spanId, node.depth, node.start, node.end])).toEqual([
      ['root', 0, 0, 1000],
      ['early', 1, 1, 600],
      ['late', 1, 700, 701],
    ]);
    expect(model.startNs).toBe(origin);
    expect(model.durationNs).toBe(1000);
  });

  test('shows both ends of a call that share an id, the server below the client, and its work below the server', () => {
    const pay = { name: 'POST /pay' };
    const model = build(
      span('a1', null, 0, 100, { kind: 'server' }),
      // In either order of time.
      span('b2', 'a1', 20, 80, { ...pay, service: 'payments', kind: 'server' }),
      span('b2', 'a1', 10, 90, { ...pay, kind: 'client' }),
      span('b2', 'a1', 10, 90, { ...pay, kind: 'client' }), // sent twice
      span('c3', 'b2', 30, 70, { service: 'payments' }),
    );
    expect(model.nodes.map(({ span: { service, kind }, depth }) => [service, kind, depth])).toEqual([
      ['frontend', 'server', 0],
      ['frontend', 'client', 1],
      ['payments', 'server', 2],
      ['payments', 'internal', 3],
    ]);
    expect(new Set(model.nodes.map(({ key }) => key)).size).toBe(4);
    const [, client, server] = model.nodes;
    expect(visibleRows(model, new Set([client?.key ?? '']))).toHaveLength(2);
    expect(visibleRows(model, new Set([server?.key ?? '']))).toHaveLength(3);
  });

  test('keeps spans whose parent is missing, and marks them', () => {
    const model = build(span('a', null, 0, 10), span('b', 'gone', 5, 8));
    expect(model.roots.map((node) => [node.span.spanId, node.orphan])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  test('drops what was sent twice', () => {
    expect(build(span('a', null, 0, 10), span('a', null, 0, 10)).nodes).toHaveLength(1);
  });

  test('breaks a loop of parents at its first span, also for a span that is its own parent', () => {
    const model = build(span('b', 'a', 2, 9), span('a', 'b', 1, 10), span('self', 'self', 3, 4));
    expect(model.nodes.map((node) => node.span.spanId)).toEqual(['a', 'b', 'self']);
    expect(model.roots.every((node) => node.orphan)).toBe(true);
  });

  test('starts at the first span that is not the client’s own', () => {
    const model = build(
      span('page', null, 0, 100, { resource: { 'browser.platform': 'Linux' } }),
      span('fetch', 'page', 1, 90, { kind: 'client' }),
      span('served', 'fetch', 2, 80, { kind: 'server' }),
      span('query', 'served', 3, 70, { kind: 'client' }),
      span('below', 'query', 4, 60, { kind: 'server' }),
    );
    expect(model.nodes.filter(isEntry).map((node) => node.span.spanId)).toEqual(['served']);
    expect(build(span('load', null, 0, 1, { kind: 'server' })).nodes.every(isEntry)).toBe(true);
  });

  test('gives each of its services another colour', () => {
    const services = ['gateway', 'billing', 'inventory', 'mail', 'search', 'auth', 'cart', 'shipping', 'ads'];
    const { colourOf } = build(...services.map((service, index) => span(service, null, index, 10, { service })));
    expect(new Set(services.map(colourOf)).size).toBe(services.length);
  });

  test('of a chain of 5,000 spans is built without overflowing the stack', () => {
    const chain = Array.from({ length: 5000 }, (_, index) =>
      span(`s${index}`, index === 0 ? null : `s${index - 1}`, index, 20_000 - index),
    );
    const model = build(...chain);
    expect(model.nodes.at(-1)?.depth).toBe(4999);
    expect(criticalPath(root(model))).toHaveLength(9999);
  });
});

describe('a clock that is off', () => {
  const client = span('client', null, 1000, 2000, { kind: 'client' });
  const server = (start: number, end: number): SpanDetail =>
    span('server', 'client', start, end, { service: 'customer', kind: 'server' });
  const below = (start: number, end: number): SpanDetail =>
    span('query', 'server', start, end, { service: 'customer', kind: 'client' });

  test('that begins before its caller is centred in it, with all of its service below', () => {
    const model = build(client, server(400, 1200), below(500, 600));
    expect(model.byKey.get('server')).toMatchObject({ adjusted: 700, start: 100, end: 900 });
    expect(model.byKey.get('query')).toMatchObject({ adjusted: 700, start: 200, end: 300 });
    expect(model.startNs).toBe(origin + 1000n);
  });

  test('that ends after its caller has its answer is centred too', () => {
    expect(build(client, server(1900, 2700)).byKey.get('server')).toMatchObject({ start: 100, end: 900 });
  });

  test('is left alone where it fits, or where nobody waited for it', () => {
    expect(build(client, server(1100, 1900)).byKey.get('server')?.adjusted).toBe(0);
    const worker = span('worker', 'client', 1500, 9000, { service: 'worker', kind: 'consumer' });
    expect(build(client, worker).byKey.get('worker')?.adjusted).toBe(0);
  });

  test('of a longer span than its caller begins with it', () => {
    expect(build(client, server(500, 4000)).byKey.get('server')).toMatchObject({ start: 0, end: 3500 });
  });
});

describe('the critical path', () => {
  const path = (...spans: SpanDetail[]): [string, number, number][] =>
    criticalPath(root(build(...spans)))
      .toReversed()
      .map(({ node, from, to }) => [node.span.spanId, from, to]);

  test('walks back from the child that finished last', () => {
    expect(
      path(span('root', null, 0, 100), span('a', 'root', 10, 40), span('b', 'root', 45, 90), span('c', 'root', 50, 80)),
    ).toEqual([
      ['root', 0, 10],
      ['a', 10, 40],
      ['root', 40, 45],
      ['b', 45, 90],
      ['root', 90, 100],
    ]);
  });

  test('goes through children of children', () => {
    expect(path(span('root', null, 0, 100), span('a', 'root', 0, 100), span('b', 'a', 20, 100))).toEqual([
      ['a', 0, 20],
      ['b', 20, 100],
    ]);
  });

  test('clips children that outlast their parent', () => {
    expect(path(span('root', null, 0, 100), span('a', 'root', 60, 500), span('b', 'root', 10, 50))).toEqual([
      ['root', 0, 10],
      ['b', 10, 50],
      ['root', 50, 60],
      ['a', 60, 100],
    ]);
  });

  test('takes, of workers in parallel, those that were waited for', () => {
    const model = build(
      span('root', null, 0, 100),
      span('w1', 'root', 0, 30),
      span('w2', 'root', 0, 50),
      span('w3', 'root', 50, 90),
      span('w4', 'root', 30, 70),
    );
    const segments = criticalPath(root(model));
    expect([...ownTimes(segments)].map(([node, time]) => [node.span.spanId, time])).toEqual([
      ['root', 10],
      ['w3', 40],
      ['w2', 50],
    ]);
    expect(heaviest(segments)?.span.spanId).toBe('w2');
  });

  test('has a call that ends when the next has just begun', () => {
    // A client's span ends with the last byte of the answer; the next call may have begun with the first.
    const spans = [
      span('root', null, 0, 2_400),
      span('customer', 'root', 5, 2_001),
      span('sql', 'customer', 10, 1_990),
      span('drivers', 'root', 2_000, 2_390),
    ];
    expect(path(...spans)).toEqual([
      ['root', 0, 5],
      ['customer', 5, 10],
      ['sql', 10, 1_990],
      ['customer', 1_990, 2_000],
      ['drivers', 2_000, 2_390],
      ['root', 2_390, 2_400],
    ]);
    expect(heaviest(criticalPath(root(build(...spans))))?.span.spanId).toBe('sql');
  });

  test("skips a span's own time while a child runs beside it", () => {
    const beside = [span('root', null, 0, 12), span('a', 'root', 1, 10), span('b', 'root', 5, 12)];
    const then = [
      ['a', 1, 5],
      ['b', 5, 12],
    ];
    expect(path(...beside)).toEqual([['root', 0, 1], ...then]);
    expect(path(...beside, span('x', 'root', 0, 1))).toEqual([['x', 0, 1], ...then]);
  });

  test('is exactly as long as the root, whatever its spans', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 50; round += 1) {
      const spans = [span('0', null, 0, 10_000)];
      for (let index = 1; index < 60; index += 1) {
        const start = random(11_000);
        spans.push(span(String(index), String(random(index)), start, start + random(6000)));
      }
      const segments = criticalPath(root(build(...spans)));
      expect(segments.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(10_000);
      segments.slice(1).forEach((segment, index) => expect(segment.to).toBe(segments[index]?.from));
    }
  });
});

describe('rows', () => {
  const model = build(
    span('root', null, 0, 100),
    span('a', 'root', 0, 50),
    span('a1', 'a', 0, 20, { attributes: { 'db.query.text': 'SELECT * FROM customers' } }),
    span('a2', 'a', 20, 40, { events: [{ timeNs: '1', name: 'retry', attributes: { attempt: 2 } }] }),
    span('b', 'root', 50, 100, { statusMessage: 'timed out' }),
  );
  const node = (id: string): Node => {
    const found = model.byKey.get(id);
    if (found === undefined) throw new Error(id);
    return found;
  };

  test('below a collapsed span are hidden', () => {
    const ids = (collapsed: string[]) => visibleRows(model, new Set(collapsed)).map((row) => row.span.spanId);
    expect(ids([])).toEqual(['root', 'a', 'a1', 'a2', 'b']);
    expect(ids(['a'])).toEqual(['root', 'a', 'b']);
    expect(ids(['root', 'a'])).toEqual(['root']);
    expect(ancestors(node('a2'))).toEqual(['a', 'root']);
    expect(descendants(node('root'))).toBe(4);
  });

  test('that are hidden are represented by the nearest visible ancestor', () => {
    const shown = (id: string, ...collapsed: string[]) => shownFor(node(id), new Set(collapsed)).span.spanId;
    expect(shown('a2')).toBe('a2');
    expect(shown('a2', 'a2', 'b')).toBe('a2');
    expect(shown('a2', 'a')).toBe('a');
    expect(shown('a2', 'a', 'root')).toBe('root');
  });

  test('that match are walked through forwards and backwards, round the end', () => {
    const found = new Set([node('a1'), node('b')]);
    const beside = (id: string, by: 1 | -1) => matchBeside(model.nodes, found, node(id), by)?.span.spanId;
    expect([beside('root', 1), beside('a1', 1), beside('b', 1)]).toEqual(['a1', 'b', 'a1']);
    expect([beside('root', -1), beside('a1', -1), beside('b', -1)]).toEqual(['b', 'b', 'a1']);
    expect(matchBeside(model.nodes, new Set(), node('root'), 1)).toBeUndefined();
  });

  test('are found by any of their texts', () => {
    const found = (text: string) => model.nodes.filter((row) => matches(row, text)).map((row) => row.span.spanId);
    expect(found('FROM CUSTOMERS')).toEqual(['a1']);
    expect(found('retry')).toEqual(['a2']);
    expect(found('attempt')).toEqual(['a2']);
    expect(found('timed out')).toEqual(['b']);
    expect(found('frontend')).toHaveLength(5);
    expect(found('nowhere')).toEqual([]);
  });
});

test('ticks of the ruler are round and within it', () => {
  expect(offsetTicks(0, 2_900_000_000, 6).map(({ label }) => label)).toEqual([
    '0 ms',
    '500 ms',
    '1 s',
    '1.5 s',
    '2 s',
    '2.5 s',
  ]);
  expect(offsetTicks(1_000, 1_000, 6)).toEqual([]);
});
