import { describe, expect, it } from 'vitest';

import { readCommand, type StartOptions } from './options.ts';
import type { PostgresServer } from './postgres/server.ts';
import { stopWaves } from './suite.ts';
import { maxDatabaseConnections, portsOf, resourceAttributes, serviceNodeOptions, topology } from './topology.ts';

const postgres: PostgresServer = {
  command: '/pg/bin/postgres',
  args: ['-D', '/data'],
  cwd: '/data',
  account: { name: 'nobody', uid: 65534, gid: 65534 },
  url: (role) => `postgres://${role}:secret@127.0.0.1:9/hotrod`,
  shownUrl: 'postgres://127.0.0.1:9/hotrod',
  isReady: () => true,
  stopLeftover: () => Promise.resolve(false),
};
function options(...args: string[]): StartOptions {
  const command = readCommand(args, {}, '/', '/checkout');
  if (command.name !== 'start') throw new Error('not a start');
  return command.options;
}
function suite(given = options(), env: Record<string, string> = {}) {
  const specs = topology(given, postgres, {
    root: '/checkout',
    node: '/node',
    env,
    version: '0.1.0+abc',
    revision: 'abcdef',
  });
  return new Map(specs.map((spec) => [spec.name, spec]));
}

it('every process of Node allocates from one heap, unless the caller wants more', () => {
  const given = (env?: Record<string, string>) =>
    [...suite(options(), env).values()]
      .filter(({ command }) => command === '/node')
      .map((spec) => spec.env['MALLOC_ARENA_MAX']);
  expect(given()).toEqual(['1', '1', '1', '1', '1']);
  expect(new Set(given({ MALLOC_ARENA_MAX: '4' }))).toEqual(new Set(['4']));
});

describe('ports', () => {
  it('are the documented ones', () => {
    expect(portsOf(options())).toEqual({
      frontend: 8080,
      customer: 8081,
      driver: 8082,
      route: 8083,
      postgres: 8084,
      'run pages': 8085,
      observatory: 8088,
      'OTLP receiver': 4318,
      'OTLP receiver, gRPC': 4317,
    });
  });
  it('of two suites, ten apart, never meet', () => {
    const both = [options('--port-base', '9000'), options('--port-base', '9010')].flatMap((each) =>
      Object.values(portsOf(each)),
    );
    expect(new Set(both).size).toBe(both.length);
  });
  it('without an Observatory leave its receiver to others', () => {
    expect(Object.keys(portsOf(options('--otlp-endpoint', 'http://localhost:4318')))).not.toContainEqual(
      expect.stringContaining('OTLP'),
    );
  });
});

describe('the processes', () => {
  it('tell as much of themselves as is asked of each', () => {
    const specs = suite(options('--telemetry', 'off,customer=stock'));
    expect([...specs].map(([name, { env }]) => [name, env['TELEMETRY']])).toEqual([
      ['observatory', undefined],
      ['frontend', 'off'],
      ['customer', 'stock'],
      ['driver', 'off'],
      ['route', 'off'],
      ['postgres', undefined],
    ]);
  });
  it('know each other', () => {
    expect(suite().get('frontend')?.env).toMatchObject({
      HOST: '127.0.0.1',
      PORT: '8080',
      CUSTOMER_URL: 'http://127.0.0.1:8081',
      DRIVER_URL: 'http://127.0.0.1:8082',
      ROUTE_URL: 'http://127.0.0.1:8083',
      TRACE_URL: 'http://127.0.0.1:8088/trace/{traceId}',
      OBSERVATORY_URL: 'http://127.0.0.1:8088',
      OTEL_SERVICE_NAME: 'frontend',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    });
    expect(suite().get('observatory')?.env['OBSERVATORY_RIDES_URL']).toBe('http://127.0.0.1:8080');
  });
  it('are given a database as nobody but themselves', () => {
    const specs = suite();
    expect(specs.get('customer')?.env['DATABASE_URL']).toContain('//customer:');
    expect(specs.get('driver')?.env['DATABASE_URL']).toContain('//driver:');
    expect(specs.get('route')?.env).not.toHaveProperty('DATABASE_URL');
  });
  it('show no password', () => {
    for (const spec of suite().values()) expect(spec.url).not.toContain('secret');
  });
  it('load the telemetry first, but for the Observatory, which would observe itself', () => {
    for (const [name, spec] of suite()) {
      const preloads = spec.args.includes('--import');
      expect([name, preloads]).toEqual([name, ['frontend', 'customer', 'driver', 'route'].includes(name)]);
    }
  });
  it('load it by a URL, because a path may hold what a URL gives a meaning', () => {
    expect(serviceNodeOptions('/work/My Project #2')).toContain(
      'file:///work/My%20Project%20%232/packages/telemetry/register.ts',
    );
  });
  it('are given settings of their own from the environment', () => {
    expect(
      suite(options(), { CUSTOMER_SLOW_FACTOR: '1', TRACE_URL: 'jaeger' }).get('customer')?.env['CUSTOMER_SLOW_FACTOR'],
    ).toBe('1');
    expect(suite(options(), { TRACE_URL: 'jaeger' }).get('frontend')?.env['TRACE_URL']).toBe('jaeger');
    // …but where they listen is ours to say.
    expect(suite(options(), { PORT: '1', HOST: '0.0.0.0' }).get('route')?.env).toMatchObject({
      PORT: '8083',
      HOST: '127.0.0.1',
    });
  });
  it('export to another backend, which is asked with its headers, instead of an Observatory', () => {
    const specs = suite(options('--otlp-endpoint', 'https://backend.example', '--otlp-headers', 'key=1'));
    expect(specs.has('observatory')).toBe(false);
    expect(specs.get('route')?.env).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://backend.example',
      OTEL_EXPORTER_OTLP_HEADERS: 'key=1',
    });
    expect(specs.get('frontend')?.env).not.toHaveProperty('TRACE_URL');
    expect(specs.get('frontend')?.env).not.toHaveProperty('OBSERVATORY_URL');
  });
  it('share no more connections than Postgres has', () => {
    expect(maxDatabaseConnections).toBeGreaterThanOrEqual(2 * 20 + 10);
  });
});

describe('the order', () => {
  it('starts services that keep data after Postgres', () => {
    for (const spec of suite().values()) {
      expect(spec.startAfter).toEqual(['customer', 'driver'].includes(spec.name) ? ['postgres'] : []);
    }
  });
  it('stops from the front to the back, so that no service loses one that it needs', () => {
    const waves = stopWaves([...suite().values()].map((spec) => ({ spec })));
    expect(waves.map((wave) => wave.map(({ spec }) => spec.name).toSorted())).toEqual([
      ['frontend'],
      ['customer', 'driver', 'route'],
      ['observatory', 'postgres'],
    ]);
  });
  it('stops a circle all at once', () => {
    const circle = ['a', 'b'].map((name) => ({ spec: { name, stopBefore: [name === 'a' ? 'b' : 'a'] } }));
    expect(stopWaves(circle)).toEqual([circle]);
  });
});

describe('resource attributes', () => {
  it('say release, commit and environment', () => {
    expect(resourceAttributes({ env: {}, version: '0.1.0+abc', revision: 'abcdef' })).toBe(
      'deployment.environment.name=local,service.version=0.1.0%2Babc,vcs.ref.head.revision=abcdef',
    );
  });
  it('leave out a commit that is not known, and give way to the caller', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'team=rides,service.version=9' };
    expect(resourceAttributes({ env, version: '1', revision: null })).toBe(
      'deployment.environment.name=local,team=rides,service.version=9',
    );
  });
});
