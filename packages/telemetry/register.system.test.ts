import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const preload = new URL('./register.ts', import.meta.url).href;
const own = createRequire(import.meta.url);

/** A program that says, as JSON, which packages were loaded through `require` and what of the environment it sees. */
const program = `
  import { createRequire } from 'node:module';
  import { context, propagation, trace } from ${JSON.stringify(pathToFileURL(own.resolve('@opentelemetry/api')).href)};
  const loaded = Object.keys(createRequire(import.meta.url).cache)
    .flatMap((path) => /node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const span = trace.getTracer('t').startSpan('s');
  console.log(JSON.stringify({
    loaded: [...new Set(loaded)],
    recording: span.isRecording(),
    resource: span.resource?.attributes,
    fields: propagation.fields(),
    keepsContext: context.with(trace.setSpan(context.active(), span), () => trace.getActiveSpan() === span),
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'))),
    shutdown: typeof globalThis[Symbol.for('hotrod.telemetry.shutdown')],
  }));
  process.exit();`;

interface Seen {
  loaded: string[];
  recording: boolean;
  resource?: Record<string, unknown>;
  fields: string[];
  keepsContext: boolean;
  env: Record<string, string>;
  shutdown: string;
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'telemetry-'));
  writeFileSync(join(directory, 'main.mjs'), program);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(env: Record<string, string>): { seen: Seen; code: number | null; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', preload, join(directory, 'main.mjs')], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
    timeout: 60_000,
  });
  return { seen: JSON.parse(stdout || '{}') as Seen, code: status, stderr };
}

const sdkPackages = (seen: Seen) =>
  seen.loaded.filter((name) => /^@opentelemetry\/(sdk|instrumentation|auto|exporter|otlp|resource)/.test(name));

describe('the preload', () => {
  it.each(['true', 'TRUE'])('loads no SDK and instruments nothing where OTEL_SDK_DISABLED is %s', (value) => {
    const { seen, stderr } = run({ OTEL_SDK_DISABLED: value });
    expect(sdkPackages(seen)).toEqual([]);
    expect(seen).toMatchObject({ recording: false, shutdown: 'undefined' });
    expect(stderr).toBe('');
  });

  it('starts the SDK otherwise', () => {
    const { seen } = run({ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' });
    expect(sdkPackages(seen)).toContain('@opentelemetry/sdk-trace');
    expect(seen).toMatchObject({ recording: true, shutdown: 'function' });
    expect(seen.env).toMatchObject({
      OTEL_SERVICE_NAME: directory.split('/').at(-1),
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=hotrod,deployment.environment.name=local',
    });
  });

  it('loads no SDK with TELEMETRY=off', () => {
    const { seen } = run({ TELEMETRY: 'off' });
    expect(sdkPackages(seen)).toEqual([]);
    expect(seen).toMatchObject({ recording: false, shutdown: 'undefined' });
  });

  it("takes OpenTelemetry's own preload with TELEMETRY=stock, and nothing of ours", () => {
    const { seen, stderr } = run({
      TELEMETRY: 'stock',
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    expect(seen).toMatchObject({ recording: true, shutdown: 'undefined' });
    expect(seen.env).not.toHaveProperty('OTEL_NODE_ENABLED_INSTRUMENTATIONS');
    expect(stderr).toBe('');
  });

  it('says which modes there are where TELEMETRY is none of them', () => {
    const { code, stderr } = run({ TELEMETRY: 'some' });
    expect(code).not.toBe(0);
    expect(stderr).toContain('TELEMETRY is "some"; it is one of off, stock, full.');
  });

  const heavy = ['@opentelemetry/sdk-node', '@opentelemetry/auto-instrumentations-node'];
  const heavyOf = (seen: Seen) => seen.loaded.filter((name) => heavy.includes(name));
  const quiet = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };

  it.each([
    { asked: {}, loaded: [] },
    { asked: { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, loaded: [] },
    { asked: { OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, loaded: heavy.slice(0, 1) },
    { asked: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pino' }, loaded: heavy.slice(1) },
  ])('loads $loaded of the large packages for $asked', ({ asked, loaded }) => {
    expect(heavyOf(run({ ...quiet, ...asked }).seen)).toEqual(loaded);
  });

  it('starts with the same resource, propagation and context as NodeSDK', () => {
    const { seen } = run(quiet);
    const { seen: byNodeSdk } = run({ ...quiet, OTEL_TRACES_SAMPLER: 'parentbased_always_on' });
    const comparable = ({ resource = {}, fields, keepsContext }: Seen) => {
      const { 'service.instance.id': instance, 'process.pid': pid, ...others } = resource;
      return { resource: { ...others, instance: typeof instance, pid: typeof pid }, fields, keepsContext };
    };
    expect(comparable(seen)).toEqual(comparable(byNodeSdk));
    expect(seen).toMatchObject({ fields: ['traceparent', 'tracestate', 'baggage'], keepsContext: true });
  });

  it('leaves every trace out where OTEL_TRACES_SAMPLER is always_off', () => {
    expect(run({ ...quiet, OTEL_TRACES_SAMPLER: 'always_off' }).seen.recording).toBe(false);
  });

  it('lets what is set hold', () => {
    const { seen } = run({
      OTEL_SDK_DISABLED: 'true',
      OTEL_SERVICE_NAME: 'mine',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.version=2',
    });
    expect(seen.env).toMatchObject({
      OTEL_SERVICE_NAME: 'mine',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_RESOURCE_ATTRIBUTES:
        'service.namespace=hotrod,deployment.environment.name=local,deployment.environment.name=prod,service.version=2',
    });
  });

  it('says which protocols there are where it is given another', () => {
    const { code, stderr } = run({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/xml' });
    expect(code).not.toBe(0);
    expect(stderr).toContain('OTEL_EXPORTER_OTLP_PROTOCOL is "http/xml"; it is one of grpc, http/json, http/protobuf.');
  });
});
