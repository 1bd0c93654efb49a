import { describe, expect, it } from 'vitest';

import { handOn } from './environment.ts';
import { readCommand } from './options.ts';

function start(env: Record<string, string>, ...args: string[]) {
  const command = readCommand(args, env, '/', '/checkout');
  if (command.name !== 'start') throw new Error('not a start');
  return handOn(env, command.options);
}

describe('what is set in the shell that starts the suite', () => {
  it('is not handed on when it names another Postgres, and a warning says so', () => {
    const { env, notes } = start({ PATH: '/bin', PGSSLMODE: 'require', PGOPTIONS: '-c a=b', PGHOST: 'db.example' });
    expect(env).toEqual({ PATH: '/bin' });
    expect(notes).toEqual(['Left out of the environment: PGSSLMODE, PGOPTIONS, PGHOST.']);
  });

  it.each([
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    'OTEL_TRACES_EXPORTER',
    'OTEL_SDK_DISABLED',
    'OTEL_CONFIG_FILE',
  ])('does not keep telemetry from the Observatory: %s', (name) => {
    const { env, telemetryTo, notes } = start({ [name]: 'x' });
    expect(env).toEqual({});
    expect(telemetryTo).toBeNull();
    expect(notes).toEqual([`Left out of the environment: ${name}. To send telemetry elsewhere: --otlp-endpoint URL.`]);
  });

  it('says where each signal goes that does not go to the Observatory, without credentials', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://a.example',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://me:secret@b.example/v1/traces',
      OTEL_LOGS_EXPORTER: 'none',
    };
    expect(start(env)).toEqual({
      env,
      telemetryTo: 'traces: https://b.example/v1/traces, metrics: https://a.example, logs: none',
      notes: ['Taken over from the environment: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_LOGS_EXPORTER.'],
    });
    expect(start({}, '--no-observatory').telemetryTo).toBe('http://localhost:4318');
    expect(start({ OTEL_SDK_DISABLED: 'true' }, '--no-observatory').telemetryTo).toContain('nowhere');
  });

  it('gives way to the option, which is for all signals', () => {
    const given = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b.example', OTEL_EXPORTER_OTLP_HEADERS: 'key=secret' };
    const { env, telemetryTo, notes } = start(given, '--otlp-endpoint', 'https://a.example');
    expect(env).toEqual({ OTEL_EXPORTER_OTLP_HEADERS: 'key=secret' });
    expect(telemetryTo).toBe('https://a.example');
    expect(notes.join()).toContain('Taken over from the environment: OTEL_EXPORTER_OTLP_HEADERS.');
    expect(notes.join()).not.toContain('secret');
  });

  it('is named in a warning when it changes what libraries do, and only then', () => {
    const given = { OTEL_TRACES_SAMPLER: 'always_off', NODE_OPTIONS: '--inspect', LANG: 'de', OTEL_PROPAGATORS: '' };
    const { env, notes } = start(given);
    expect(env).toEqual(given);
    expect(notes).toEqual(['Taken over from the environment: OTEL_TRACES_SAMPLER, NODE_OPTIONS.']);
    expect(start({ LANG: 'de' }).notes).toEqual([]);
  });

  it('lets no proxy come between the processes of the suite', () => {
    expect(start({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'intra' }).env).toMatchObject({
      no_proxy: 'intra,127.0.0.1,localhost',
      NO_PROXY: 'intra,127.0.0.1,localhost',
    });
  });
});
