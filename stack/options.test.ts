import { describe, expect, it } from 'vitest';

import { help, readCommand } from './options.ts';
import { Refusal } from './refusal.ts';

const read = (args: string[], env: Record<string, string> = {}) => readCommand(args, env, '/somewhere', '/checkout');
function start(args: string[], env: Record<string, string> = {}) {
  const command = read(args, env);
  if (command.name !== 'start') throw new Error(`not a start but ${command.name}`);
  return command.options;
}

describe('npm start without options', () => {
  it('starts an Observatory and 5 dispatches per second', () => {
    expect(start([])).toEqual({
      dataDir: '/checkout/.hotrod',
      portBase: 8080,
      telemetry: { all: 'full', services: {} },
      workingCopy: false,
      otlpPort: 4318,
      otlpGrpcPort: 4317,
      otlpEndpoint: null,
      otlpHeaders: null,
      observatory: true,
      load: { engine: 'builtin', profile: null, ratePerSecond: 5 },
    });
  });
});

describe('options', () => {
  it('move every port, those of the receivers too, with --port-base', () => {
    const moved = { portBase: 9000, otlpPort: 9009, otlpGrpcPort: 9007 };
    expect(start(['--port-base', '9000'])).toMatchObject(moved);
    expect(start([], { HOTROD_PORT_BASE: '9000' })).toMatchObject(moved);
    expect(start(['--port-base', '9000'], { HOTROD_PORT_BASE: '7000' })).toMatchObject(moved);
  });
  it('take a data directory relative to the current directory', () => {
    expect(start(['--data-dir', 'mine']).dataDir).toBe('/somewhere/mine');
    expect(start(['--data-dir', '/tmp/x']).dataDir).toBe('/tmp/x');
  });
  it('send telemetry elsewhere, and then start no Observatory', () => {
    const options = start(['--otlp-endpoint', 'https://otlp.example:443/x', '--otlp-headers', 'key=a=b,team=c']);
    expect(options).toMatchObject({
      otlpEndpoint: 'https://otlp.example:443/x',
      otlpHeaders: 'key=a=b,team=c',
      observatory: false,
    });
  });
  it('are read from the standard variables, and win over them', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://from-env:4318', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' };
    expect(start([], env)).toMatchObject({
      otlpEndpoint: 'http://from-env:4318',
      otlpHeaders: 'a=b',
      observatory: false,
    });
    expect(start(['--otlp-endpoint', 'http://given:1'], env).otlpEndpoint).toBe('http://given:1');
    expect(start([], { OTEL_EXPORTER_OTLP_ENDPOINT: '' }).observatory).toBe(true);
  });
  it('choose the load', () => {
    expect(start(['--no-load']).load).toBeNull();
    expect(start(['--rate', '0.5']).load).toMatchObject({ ratePerSecond: 0.5 });
    expect(start(['--profile', 'webinar', '--load', 'k6']).load).toMatchObject({ engine: 'k6', profile: 'webinar' });
  });
});

describe('telemetry', () => {
  const telemetryOf = (args: string[], env: Record<string, string> = {}) => {
    const command = read(args, env);
    return command.name === 'start' ? command.options.telemetry : null;
  };
  it('is off, stock or full, for all or for single services', () => {
    expect(telemetryOf(['--telemetry', 'off'])).toEqual({ all: 'off', services: {} });
    expect(telemetryOf(['--telemetry', 'stock, customer=full,route=off'])).toEqual({
      all: 'stock',
      services: { customer: 'full', route: 'off' },
    });
  });
  it('is taken from the environment where there is no option', () => {
    expect(telemetryOf([], { TELEMETRY: 'stock' })).toEqual({ all: 'stock', services: {} });
    expect(telemetryOf(['--telemetry', 'off'], { TELEMETRY: 'stock' })).toEqual({ all: 'off', services: {} });
  });
});

describe('commands', () => {
  it('set and tell the rate of a running suite', () => {
    expect(read(['rate', '20', '--data-dir', '/d'])).toEqual({
      name: 'rate',
      dataDir: '/d',
      portBase: null,
      ratePerSecond: 20,
    });
    expect(read(['rate'])).toEqual({
      name: 'rate',
      dataDir: '/checkout/.hotrod',
      portBase: null,
      ratePerSecond: null,
    });
  });
  it.each(['status', 'stop'])('know "%s", and which suite it is for', (name) => {
    expect(read([name])).toEqual({ name, dataDir: '/checkout/.hotrod', portBase: null });
    expect(read([name, '--port-base', '9000', '--data-dir', '/d'])).toEqual({ name, dataDir: '/d', portBase: 9000 });
  });
  it('explain every option', () => {
    expect(read(['--help'])).toEqual({ name: 'help' });
    for (const option of [
      '--rate',
      '--no-load',
      '--profile',
      '--load',
      '--otlp-endpoint',
      '--otlp-headers',
      '--telemetry',
      '--no-observatory',
      '--port-base',
      '--data-dir',
    ]) {
      expect(help).toContain(option);
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

it.each([
  [['--foo'], '--foo'],
  [['--rate'], '--rate'],
  [['--rate', 'quick'], 'not "quick"'],
  [['--rate=-1'], 'not "-1"'],
  [['--rate', '99999999'], '99999999'],
  [['--port-base', '0'], 'not "0"'],
  [['--port-base', '65530'], 'not "65530"'],
  [['--port-base', '8080.5'], '8080.5'],
  [['--otlp-endpoint', 'localhost:4318'], 'not "localhost:4318"'],
  [['--otlp-headers', 'secret'], 'name=value'],
  [['--telemetry', 'some'], 'not "some"'],
  [['--telemetry', 'off,customer'], 'not "customer"'],
  [['--telemetry', 'toString=off'], 'not "toString"'],
  [['--load', 'gatling'], 'gatling'],
  [['--profile', 'constructor'], 'webinar, steady, spike, soak, demo'],
  [['--profile', 'demo', '--rate', '5'], 'exclude'],
  [['--no-load', '--rate', '5'], 'exclude'],
  [['--data-dir', ''], 'needs a directory'],
  [['restart'], '"restart" is not a command'],
  [['rate', '1', '2'], '"2" is too much'],
  [['status', 'x'], '"x" is too much'],
  [['status', '--rate', '5'], '"status" takes no --rate'],
  [['stop', '--no-load'], '"stop" takes no --no-load'],
])('%j is refused in one line, with exit code 2, naming %j', (args, part) => {
  let refusal: unknown;
  try {
    read(args);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ exitCode: 2 });
  const { message } = refusal as Refusal;
  expect(message).toContain(part);
  expect(message).toContain('--help');
  expect(message).not.toContain('\n');
});
