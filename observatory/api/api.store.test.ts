import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { assert, asyncProperty, constantFrom, oneof, string } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { batches, baseEpochMs, logBatch } from './fixtures/rides.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';
import type { Database } from '../store/database.ts';
import { sql } from '../store/sql.ts';
import type { Breakdown, Compare, Heatmap, Percentiles, Problem, ServiceMap, SloStatus } from '../contract/contract.ts';
import { openApiYaml } from '../contract/openapi.ts';

let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  for (const batch of batches) await store.storeTraces(batch);
  await store.storeLogs(logBatch);
  await store.settle();
  api = await serveApi(store.database, { now: () => baseEpochMs + 60_000 });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

const range = `from=${baseEpochMs}&to=${baseEpochMs + 60_000}`;

async function refusal(path: string, url = api.url): Promise<Problem> {
  const response = await fetch(url + path);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

describe('the door', () => {
  const refused: [path: string, parameter: string, detail: RegExp][] = [
    ['/api/heatmap?colums=3', 'colums', /known: .*columns/],
    ['/api/heatmap?columns=0', 'columns', /at least 1/],
    ['/api/heatmap?columns=1001', 'columns', /at most 1000/],
    ['/api/heatmap?columns=1.5', 'columns', /whole/],
    ['/api/heatmap?columns=ten', 'columns', /number/],
    ['/api/heatmap?columns=', 'columns', /number/],
    ['/api/heatmap?rows=101', 'rows', /at most 100/],
    ['/api/heatmap?scale=cubic', 'scale', /log, linear/],
    ['/api/heatmap?scope=all', 'scope', /roots, spans/],
    ['/api/heatmap?from=5&to=5', 'from', /not before/],
    ['/api/heatmap?from=-1', 'from', /at least 0/],
    ['/api/heatmap?to=99999999999999', 'to', /at most/],
    ['/api/heatmap?from=1e3', 'from', /number/],
    ['/api/heatmap?rows=5&rows=6', 'rows', /2 times/],
    ['/api/compare?minMs=x', 'minMs', /number/],
    ['/api/compare?limit=201', 'limit', /at most 200/],
    ['/api/breakdown', 'by', /one or two keys/],
    ['/api/breakdown?by=a&by=b&by=c', 'by', /one or two keys/],
    ['/api/breakdown?by=', 'by', /empty/],
    ['/api/breakdown?by=duration', 'by', /no groups/],
    ['/api/breakdown?by=a&sort=mean', 'sort', /p50/],
    ['/api/breakdown?by=a&series=21', 'series', /at most 20/],
    ['/api/percentiles?points=0', 'points', /at least 1/],
    ['/api/traces?sort=best', 'sort', /newest/],
    ['/api/traces?format=xml', 'format', /json, csv/],
    ['/api/traces/abc', 'traceId', /32 digits/],
    ['/api/traces/abc/logs', 'traceId', /32 digits/],
    ['/api/attributes?limit=2000', 'limit', /at most/],
    ['/api/service-map?scope=roots', 'scope', /no parameter/],
    ['/api/slo?x=1', 'x', /no parameter/],
  ];
  it.each(refused)('refuses %s', async (path, parameter, detail) => {
    const problem = await refusal(path);
    expect(problem).toMatchObject({ status: 400, parameter, detail: expect.stringMatching(detail) as unknown });
  });

  it('says where a filter goes wrong, and in which parameter', async () => {
    const filter = encodeURIComponent('duration > 2s and name = ');
    expect(await refusal(`/api/traces?filter=${filter}`)).toMatchObject({
      status: 400,
      parameter: 'filter',
      position: 25,
    });
    expect(await refusal(`/api/heatmap?highlight=${filter}`)).toMatchObject({ parameter: 'highlight', position: 25 });
    const pattern = encodeURIComponent('error = true or name matches "(unclosed"');
    expect(await refusal(`/api/heatmap?filter=${pattern}`)).toMatchObject({ parameter: 'filter', position: 16 });
    const large = encodeURIComponent('name matches "((a{500}){500}){500}"');
    expect(await refusal(`/api/heatmap?highlight=${large}`)).toMatchObject({ status: 400, parameter: 'highlight' });
  });

  it('answers 404 for other paths, and 405 for other methods', async () => {
    expect(await refusal('/api/nothing')).toMatchObject({ status: 404 });
  });

  it('says which methods a path is for', async () => {
    for (const [path, allow] of [
      ['/api/heatmap', 'GET, HEAD'],
      ['/api/traces/abc', 'GET, HEAD'],
      ['/api/openapi.yaml', 'GET, HEAD'],
      ['/metrics', 'GET, HEAD'],
    ]) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const response = await fetch(`${api.url}${path}`, { method });
        expect([path, method, response.status, response.headers.get('allow')]).toEqual([path, method, 405, allow]);
        expect(((await response.json()) as Problem).status).toBe(405);
      }
    }
    for (const [path, allow] of [
      ['x', 'GET, HEAD, POST'],
      ['x/y', 'PUT, DELETE'],
    ]) {
      const response = await fetch(`${api.url}/1/markers/${path}`, { method: 'PATCH' });
      expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allow]);
    }
    expect((await fetch(`${api.url}/api/heatmap`, { method: 'HEAD' })).status).toBe(200);
  });

  it('refuses pages of other origins, also by DNS rebinding', async () => {
    let said = '';
    const status = (host: string, url = api.url, path = '/api/status'): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}${path}`, { headers: { host } }, (response) => {
          said = '';
          response.on('data', (chunk: Buffer) => (said += chunk.toString()));
          response.on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.once('error', reject);
        sent.end();
      });
    for (const host of ['localhost:8088', '127.0.0.1', '[::1]:8088', 'observatory:8088', 'a.localhost']) {
      expect([host, await status(host)]).toEqual([host, 200]);
    }
    expect(await status('rebound.example.org:8088')).toBe(421);
    expect(said).toContain('OBSERVATORY_HOSTS');
    expect(await status('rebound.example.org:8088', api.url, '/metrics')).toBe(421);
    expect(await status('observatory:8088', api.url, '/metrics')).toBe(200);
    const named = await serveApi(store.database, { hosts: ['observatory.example.org'] });
    onTestFinished(named.close);
    expect(await status('observatory.example.org', named.url)).toBe(200);
    expect(await status('other.example.org', named.url)).toBe(421);
  });

  it('sends security headers with every answer', async () => {
    const { headers } = await fetch(`${api.url}/api/status`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a question that takes too long', () => {
  it('is stopped, answered with 504, and does not hold up the next one', async () => {
    // So many that no machine compares them within a millisecond.
    const spans = 200_000;
    const large = await openTestStore();
    onTestFinished(large.close);
    await large.database.exclusively((session) =>
      session.run(
        sql`
          INSERT INTO store.spans BY NAME
          SELECT md5(i::VARCHAR) AS trace_id, md5((-i)::VARCHAR)[:16] AS span_id, $start_ns + i AS start_ns, i AS duration_ns, 'a' AS service,
            'n' AS name, 'server' AS kind, 'unset' AS status, false AS error, 1 AS resource_id, map(['noise'], [md5((i * 3)::VARCHAR)]) AS attributes
          FROM range($spans) t(i)`,
        { start_ns: BigInt(baseEpochMs) * 1_000_000n, spans },
      ),
    );
    const hasty = await serveApi(large.database, { queryTimeoutMs: 1 });
    onTestFinished(hasty.close);
    const problem = await refusal(`/api/compare?${range}&scope=spans`, hasty.url);
    expect(problem).toMatchObject({ status: 504, detail: expect.stringMatching(/longer than 0.001 s/) as unknown });
    const patient = await serveApi(large.database);
    onTestFinished(patient.close);
    expect(await patient.get<Heatmap>(`/api/heatmap?${range}&scope=spans`)).toMatchObject({ total: spans });
  });

  it('is stopped when its client disconnects', async () => {
    const abort = new AbortController();
    const asked = fetch(`${api.url}/api/compare?${range}&scope=spans`, { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toThrow(/abort/i);
    expect(await api.get<Heatmap>(`/api/heatmap?${range}`)).toMatchObject({ total: 15 });
  });
});

describe('a long question', () => {
  /** A store whose reader is held by one statement until it is let go. */
  function held() {
    const { promise: letGo, resolve: release } = Promise.withResolvers<void>();
    const reader: Database['reader'] = {
      rows: async (name, input) => {
        await Promise.race([letGo, new Promise((resolve) => input?.signal?.addEventListener('abort', resolve))]);
        return store.database.reader.rows(name, input);
      },
    };
    return { database: { ...store.database, reader }, release };
  }

  it('does not delay the status or the markers', async () => {
    const { database, release } = held();
    const busy = await serveApi(database);
    onTestFinished(busy.close);
    const long = fetch(`${busy.url}/api/heatmap?${range}`);
    expect(await busy.get('/api/status')).toMatchObject({ version: '0.0.0' });
    expect(await busy.get(`/api/markers?${range}`)).toEqual([]);
    const marker = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":"quick"}' };
    const posted = await fetch(`${busy.url}/1/markers/busy`, marker);
    expect(posted.status).toBe(201);
    const { id } = (await posted.json()) as { id: string };
    expect((await fetch(`${busy.url}/1/markers/busy/${id}`, { method: 'DELETE' })).status).toBe(200);
    release();
    expect((await long).status).toBe(200);
  });

  it('is answered before the next one, which is refused at once when its turn would come too late', async () => {
    const { database } = held();
    const busy = await serveApi(database, { queryTimeoutMs: 100 });
    onTestFinished(busy.close);
    const heavy = (): Promise<Response> => fetch(`${busy.url}/api/heatmap?${range}`);
    expect((await heavy()).status).toBe(504);
    const answers = await Promise.all(Array.from({ length: 30 }, heavy));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(20);
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('does not blame the pattern of the filter', async () => {
    const { database } = held();
    const busy = await serveApi(database, { queryTimeoutMs: 50 });
    onTestFinished(busy.close);
    const filter = encodeURIComponent('name matches "x"');
    expect(await refusal(`/api/heatmap?${range}&filter=${filter}`, busy.url)).toMatchObject({ status: 504 });
  });
});

describe('hostile filters', () => {
  it('change nothing in the store, and are answered or refused', async () => {
    const counts = (): Promise<unknown[]> =>
      Promise.all([
        api.get<Heatmap>(`/api/heatmap?${range}&scope=spans`),
        api.get(`/api/markers?${range}`),
        api.get(`/api/attributes?limit=1000`),
      ]);
    const before = await counts();
    const hostile = constantFrom(
      "'; DROP TABLE store.spans; --",
      '"\'; DROP TABLE store.spans; --" exists',
      '"); DELETE FROM store.spans; --" = "x"',
      'a = "\'; DELETE FROM store.markers; --"',
      'a = "$p1" and "$p2" != "$from"',
      '"{{where}}" = "{{view}}"',
      'name in ("\\u0000", "\\ud800", "\\\\")',
      'a matches ".*(.*(.*(.*)*)*)*$"',
      'a = 1 or 1 = 1',
      'a = 99999999999999999999999999999999999999999999',
      'start > "9999-12-31T23:59:59Z"',
      'duration > 292y',
      '"\u202e" contains "\ufeff"',
    );
    await assert(
      asyncProperty(oneof(hostile, string({ unit: 'binary', maxLength: 40 })), async (filter) => {
        for (const question of ['heatmap', 'traces', 'breakdown']) {
          const by = question === 'breakdown' ? `&by=${encodeURIComponent(filter)}` : '';
          const response = await fetch(`${api.url}/api/${question}?${range}${by}&filter=${encodeURIComponent(filter)}`);
          expect([filter, [200, 400].includes(response.status)]).toEqual([filter, true]);
          await response.arrayBuffer();
        }
      }),
      { numRuns: 40 },
    );
    expect(await counts()).toEqual(before);
  });
});

describe('CSV', () => {
  async function csv(path: string): Promise<string[]> {
    const response = await fetch(api.url + path);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="\w+\.csv"$/);
    return (await response.text()).split('\r\n');
  }

  it('holds the same values as the JSON', async () => {
    expect(await csv(`/api/breakdown?${range}&by=hotrod.customer.name&limit=1&format=csv`)).toEqual([
      'hotrod.customer.name,count,errors,error_rate,p50_ms,p95_ms,p99_ms,max_ms,filter',
      'Trom Chocolatier,5,0,0,850,896,899.2,900,"hotrod.customer.name = ""Trom Chocolatier"""',
      '',
    ]);
    expect((await csv(`/api/percentiles?${range}&points=6&format=csv`))[1]).toBe(`${baseEpochMs},10,0,875,2455,2491`);
    expect(await csv(`/api/traces?${range}&sort=slowest&format=csv`)).toHaveLength(17);
    expect((await csv(`/api/compare?${range}&minMs=2000&format=csv`))[0]).toBe(
      'attribute,same,score,value,selected,baseline,evidence,filter',
    );
  });

  it('quotes special characters, and lets no spreadsheet run a value', async () => {
    const lines = await csv(`/api/breakdown?${range}&by=emoji&filter=emoji%20exists&format=csv`);
    expect(lines.join('\r\n')).toContain('"👩‍🚒 ""quoted"" \\ \n",1,');
    const { toCsv } = await import('../contract/csv.ts');
    expect(
      toCsv(
        ['=1+1', 'n'],
        [
          ['@x', -1],
          ['-- a comment', null],
          ['a,b', true],
        ],
      ),
    ).toBe("'=1+1,n\r\n'@x,-1\r\n'-- a comment,\r\n\"a,b\",true\r\n");
  });
});

describe('an empty store', () => {
  it('gives empty answers that are well-formed', async () => {
    const empty = await openTestStore();
    onTestFinished(empty.close);
    const { url, get, close } = await serveApi(empty.database, { now: () => baseEpochMs });
    onTestFinished(close);
    expect(await get<Heatmap>('/api/heatmap')).toMatchObject({
      cells: [],
      total: 0,
      errors: 0,
      columns: 120,
      stepMs: 5000,
    });
    expect((await get<Heatmap>('/api/heatmap?scale=linear')).edgesMs).toHaveLength(41);
    expect(await get<Compare>('/api/compare?minMs=1')).toMatchObject({ selected: 0, baseline: 0, attributes: [] });
    expect(await get<Breakdown>('/api/breakdown?by=a&series=3')).toMatchObject({
      groups: [],
      total: 0,
      totalGroups: 0,
    });
    const percentiles = await get<Percentiles>('/api/percentiles');
    expect(percentiles.count).toHaveLength(percentiles.times.length);
    expect(new Set(percentiles.p50Ms)).toEqual(new Set([null]));
    expect(await get<ServiceMap>('/api/service-map')).toEqual({ nodes: [], edges: [] });
    for (const path of ['traces', 'markers', 'attributes/x/values', `traces/${'a'.repeat(32)}/logs`]) {
      expect([path, await get(`/api/${path}`)]).toEqual([path, []]);
    }
    expect(await get<SloStatus[]>('/api/slo')).toMatchObject([
      { total: 0, bad: 0, attained: null, budgetLeft: null, burnRate5m: null, burnRate1h: null },
      { total: 0, bad: 0 },
    ]);
    expect(await refusal('/api/exemplar', url)).toMatchObject({ status: 404 });
    expect(await refusal(`/api/traces/${'a'.repeat(32)}`, url)).toMatchObject({ status: 404, parameter: 'traceId' });
  });
});

describe('the OpenAPI document', () => {
  interface Operation {
    parameters?: Parameter[];
    responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
  }
  interface Parameter {
    $ref?: string;
    name?: string;
    in?: string;
    required?: boolean;
  }
  type PathItem = Partial<Record<'get' | 'post' | 'put' | 'delete', Operation>>;
  const document = parse(readFileSync(new URL('../contract/openapi.yaml', import.meta.url), 'utf8')) as {
    paths: Record<string, PathItem>;
    components: { schemas: Record<string, unknown>; parameters: Record<string, Parameter> };
  };

  /** A schema of the document as a check; references are looked up among its components. */
  function checkOf(schema: unknown): z.ZodType {
    const text = JSON.stringify({ ...(schema as object), $defs: document.components.schemas });
    return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as never);
  }
  function parametersOf(operation: Operation): string[] {
    return (operation.parameters ?? [])
      .map((each) => (each.$ref ? document.components.parameters[each.$ref.split('/').at(-1) ?? ''] : each))
      .filter((each) => each?.in === 'query')
      .map((each) => each?.name ?? '')
      .toSorted();
  }

  const example: Record<string, string> = {
    '{traceId}': 'ab'.padStart(32, '0'),
    '{key}': 'hotrod.customer.name',
    '{dataset}': 'rides',
  };
  const questions: Record<string, string> = {
    '/api/breakdown': `${range}&by=hotrod.customer.name&series=2`,
    '/api/compare': `${range}&minMs=2000`,
    '/api/exemplar': `${range}&minMs=2000`,
    '/api/traces': range,
    '/api/service-map': range,
  };
  const reads = Object.entries(document.paths).filter(([path, { get }]) => get && path !== '/api/openapi.yaml');

  it('is generated from the contract (else run node observatory/contract/openapi.ts)', () => {
    expect(readFileSync(new URL('../contract/openapi.yaml', import.meta.url), 'utf8')).toBe(openApiYaml());
  });

  it('is served', async () => {
    const response = await fetch(`${api.url}/api/openapi.yaml`);
    expect(response.headers.get('content-type')).toMatch(/^application\/yaml/);
    expect(parse(await response.text())).toEqual(document);
  });

  it.each(reads)('tells what %s answers', async (path, { get }) => {
    const url = path.replaceAll(/\{\w+\}/g, (name) => example[name] ?? name);
    const response = await fetch(`${api.url}${url}?${questions[path] ?? ''}`);
    expect(response.status).toBe(200);
    const answer: unknown = await response.json();
    const check = checkOf(get?.responses['200']?.content?.['application/json']?.schema);
    expect(check.safeParse(answer).error).toBeUndefined();
    // And it would notice: an answer with a field too many is no such answer.
    const wrong = Array.isArray(answer) ? [{ surprise: 1 }] : { ...(answer as object), surprise: 1 };
    expect(check.safeParse(wrong).success).toBe(false);
  });

  it('describes problem documents', async () => {
    const check = checkOf(document.components.schemas['Problem']);
    for (const path of [
      '/api/heatmap?filter=a%20%3D',
      '/api/nothing',
      '/api/heatmap?x=1',
      '/api/exemplar?minMs=9000',
    ]) {
      expect(check.safeParse(await refusal(path)).error).toBeUndefined();
    }
  });

  it('names every parameter that a route takes, and no other', async () => {
    for (const [path, { get }] of reads) {
      if (!path.startsWith('/api/') || !get) continue;
      const url = path.replaceAll(/\{\w+\}/g, (name) => example[name] ?? name);
      const { detail } = await refusal(`${url}?no-such-parameter=1`);
      const known = (/known: (.*)\.$/.exec(detail)?.[1] ?? '').split(', ').filter((name) => name !== 'none');
      expect([path, known.toSorted()]).toEqual([path, parametersOf(get)]);
    }
  });

  it('has a path for every route', () => {
    const sources = ['question-routes.ts', 'marker-routes.ts'].map((file) =>
      readFileSync(new URL(`./${file}`, import.meta.url), 'utf8'),
    );
    const routes = sources.flatMap((source, file) =>
      [...source.matchAll(/router\.(get|post|put|delete)\('([^']+)'/g)].map(
        ([, method, path]) => `${method} ${file === 0 ? '/api' : '/1/markers'}${path?.replaceAll(/:(\w+)/g, '{$1}')}`,
      ),
    );
    const documented = Object.entries(document.paths)
      .filter(([path]) => path !== '/api/openapi.yaml')
      .flatMap(([path, item]) =>
        Object.keys(item)
          .filter((key) => key !== 'parameters')
          .map((method) => `${method} ${path}`),
      );
    expect(documented.toSorted()).toEqual(routes.toSorted());
  });
});
