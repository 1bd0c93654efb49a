import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isProfileName } from '@hotrod/loadgen/profiles';
import { beforeAll, describe, expect, test } from 'vitest';

import { settings as observatorySettings } from '../../observatory/config.ts';
import { settings as customerSettings } from '../../services/customer/config.ts';
import { settings as driverSettings } from '../../services/driver/config.ts';
import { settings as frontendSettings } from '../../services/frontend/config.ts';
import { settings as routeSettings } from '../../services/route/config.ts';
import { readCommand } from '../../stack/options.ts';
import { databaseRoles, portsOf, type ProcessSpec, topology } from '../../stack/topology.ts';
import { root } from '../harness/suite.ts';
import { type ComposeModel, type ComposeService, findCompose, readModel } from './compose.ts';

const compose = findCompose();

const settings = {
  customer: customerSettings,
  driver: driverSettings,
  route: routeSettings,
  frontend: frontendSettings,
};
const serviceNames = ['customer', 'driver', 'route', 'frontend'] as const;

/** What `npm start` would run, without running it. */
function readStack(): { specs: ProcessSpec[]; ports: Record<string, number> } {
  const command = readCommand([], {}, root, root);
  if (command.name !== 'start') throw new Error('no arguments mean start');
  const postgres = {
    command: '',
    args: [],
    cwd: root,
    account: null,
    shownUrl: '',
    url: (role: string) => `postgres://${role}:x@127.0.0.1:8084/hotrod`,
    isReady: () => true,
    stopLeftover: async () => {},
  };
  const specs = topology(command.options, postgres as never, {
    root,
    node: '',
    env: {},
    version: '0.1.0',
    revision: 'abc',
  });
  return { specs, ports: portsOf(command.options) };
}

/** The environment that an image sets by itself: the ENV lines of the Dockerfile's stage. */
function imageEnvironment(stage: string): Record<string, string> {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const lines = text
    .slice(text.indexOf(` AS ${stage}\n`))
    .split('\n')
    .slice(1);
  const end = lines.findIndex((line) => line.startsWith('FROM '));
  return Object.fromEntries(
    lines
      .slice(0, end === -1 ? undefined : end)
      .filter((line) => line.startsWith('ENV '))
      .flatMap((line) => line.slice(4).trim().split(/\s+/))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

function attributeNames(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((pair) => pair.slice(0, pair.indexOf('=')))
    .toSorted();
}

describe.skipIf(!compose)('docker-compose.yml', () => {
  const stack = readStack();
  let model: ComposeModel;
  const service = (name: string): ComposeService => model.services[name] ?? expect.fail(`${name} is not in compose`);
  const env = (name: string): Record<string, string> => service(name).environment ?? {};
  const spec = (name: string): ProcessSpec =>
    stack.specs.find((each) => each.name === name) ?? expect.fail(`${name} is not in the stack`);

  beforeAll(async () => {
    model = await readModel(compose ?? '');
  });

  test('runs the same services as npm start, on the same ports', () => {
    for (const { name } of stack.specs) expect(model.services).toHaveProperty(name);
    for (const name of serviceNames) expect(env(name)['PORT']).toBe(String(stack.ports[name]));
    const published = (name: string) => service(name).ports?.map(({ published: port }) => Number(port));
    expect(published('frontend')).toEqual([stack.ports['frontend']]);
    expect(published('observatory')).toEqual([stack.ports['observatory']]);
    // What would send to the Observatory sends to the Collector here.
    expect(published('otel-collector')).toContain(stack.ports['OTLP receiver']);
  });

  test.each(serviceNames)('gives %s the variables that npm start gives it, and no unknown one', (name) => {
    const known = new Set(Object.values(settings[name]).map((setting) => setting.env));
    const given = Object.keys({ ...imageEnvironment('node'), ...imageEnvironment('service'), ...env(name) });
    // How much a service tells of itself is a matter of the workshop, which is given with npm start.
    for (const variable of Object.keys(spec(name).env).filter((each) => each !== 'TELEMETRY')) {
      // A file there, flagd here.
      expect(given).toContain(variable === 'FLAGS_FILE' ? 'FLAGD_HOST' : variable);
    }
    for (const variable of Object.keys(env(name)).filter((each) => !/^(OTEL|NODE)_/.test(each))) {
      expect(known, `${variable} of ${name}`).toContain(variable);
    }
    // The same addresses, by name instead of by loopback.
    for (const [variable, value] of Object.entries(spec(name).env).filter(([key]) =>
      /^(CUSTOMER|DRIVER|ROUTE)_URL$/.test(key),
    )) {
      const host = variable.replace('_URL', '').toLowerCase();
      expect(env(name)[variable]).toBe(value.replace('127.0.0.1', host));
    }
    expect(env(name)['OTEL_SERVICE_NAME']).toBe(name);
    expect(attributeNames(env(name)['OTEL_RESOURCE_ATTRIBUTES'])).toEqual(
      attributeNames(spec(name).env['OTEL_RESOURCE_ATTRIBUTES']),
    );
  });

  test('gives each service that keeps data a role of its own', () => {
    const users = serviceNames.flatMap((name) => {
      const url = env(name)['DATABASE_URL'];
      return url ? [{ name, user: new URL(url).username, database: new URL(url).pathname }] : [];
    });
    expect(users.map(({ user }) => user).toSorted()).toEqual([...databaseRoles].toSorted());
    for (const { name, user, database } of users) {
      expect(user).toBe(name);
      expect(database).toBe(new URL(spec(name).env['DATABASE_URL'] ?? '').pathname);
    }
  });

  test('sets the Observatory what it knows', () => {
    const known = new Set(Object.values(observatorySettings).map((setting) => setting.env));
    const image = imageEnvironment('observatory');
    for (const variable of Object.keys({ ...image, ...env('observatory') })) {
      if (!variable.startsWith('NODE_')) expect(known).toContain(variable);
    }
    expect(Number(image['OBSERVATORY_PORT'])).toBe(stack.ports['observatory']);
    expect(Number(image['OBSERVATORY_OTLP_PORT'])).toBe(stack.ports['OTLP receiver']);
    expect(Number(image['OBSERVATORY_OTLP_GRPC_PORT'])).toBe(stack.ports['OTLP receiver, gRPC']);
    expect(env('otel-collector')['OBSERVATORY_ENDPOINT']).toBe(`http://observatory:${image['OBSERVATORY_OTLP_PORT']}`);
  });

  test('drives a profile that there is', () => {
    expect(isProfileName(env('k6')['PROFILE'] ?? '')).toBe(true);
    expect(env('k6')['BASE_URL']).toBe(`http://frontend:${stack.ports['frontend']}`);
  });

  test('drives load once every service is healthy, since a frontend is healthy without the others', () => {
    expect(service('k6').depends_on).toMatchObject(
      Object.fromEntries(serviceNames.map((name) => [name, { condition: 'service_healthy' }])),
    );
  });

  test('limits memory everywhere, the default set to 1.5 GB in all', () => {
    const limits = Object.entries(model.services).map(([name, each]) => {
      expect(Number(each.mem_limit), name).toBeGreaterThan(0);
      return each.profiles ? 0 : Number(each.mem_limit);
    });
    expect(limits.reduce((sum, limit) => sum + limit, 0)).toBeLessThanOrEqual(1.5 * 1024 ** 3);
  });

  test('bounds processes and threads everywhere', () => {
    for (const [name, each] of Object.entries(model.services)) {
      expect(each.pids_limit, name).toBeGreaterThan(0);
      expect(each.pids_limit, name).toBeLessThanOrEqual(512);
    }
  });

  test('gives each role of the database a password of its own, and Postgres a network that only its users join', () => {
    const password = (name: string) => new URL(env(name)['DATABASE_URL'] ?? '').password;
    const passwords = [env('postgres')['POSTGRES_PASSWORD'], password('customer'), password('driver')];
    expect(new Set(passwords).size).toBe(3);
    const roles = model.configs['postgres-roles']?.content ?? '';
    for (const name of ['customer', 'driver'])
      expect(roles).toContain(`CREATE ROLE ${name} LOGIN PASSWORD '${password(name)}'`);

    expect(model.networks['database']?.internal).toBe(true);
    const inNetwork = Object.entries(model.services).filter(([, each]) => 'database' in (each.networks ?? {}));
    expect(inNetwork.map(([name]) => name).toSorted()).toEqual(['customer', 'driver', 'postgres']);
    expect(Object.keys(service('postgres').networks ?? {})).toEqual(['database']);
  });

  test("lets Grafana's anonymous visitors look, not change", () => {
    expect(env('grafana')['GF_AUTH_ANONYMOUS_ORG_ROLE']).toBe('Viewer');
  });

  test('publishes on loopback alone, drops privileges, and writes nowhere but in volumes', () => {
    // Images of others that write beside their programs; Compose itself writes Postgres' roles into its container.
    const writes = ['postgres', 'opensearch', 'opensearch-dashboards'];
    for (const [name, each] of Object.entries(model.services)) {
      for (const port of each.ports ?? []) expect(port.host_ip, name).toBe('127.0.0.1');
      expect(each.cap_drop, name).toEqual(['ALL']);
      expect(each.security_opt, name).toContain('no-new-privileges:true');
      expect(each.read_only ?? false, name).toBe(!writes.includes(name));
    }
  });

  test('sends elsewhere by one variable', async () => {
    const exporters = async (variables: Record<string, string>) =>
      (await readModel(compose ?? '', variables)).services['otel-collector']?.environment?.['BACKEND_EXPORTERS'];
    expect(await exporters({})).toBe('[nop]');
    expect(await exporters({ OTLP_ENDPOINT: 'https://otlp.example.com' })).toBe('[nop, otlp_http/backend]');
    expect(await exporters({ HONEYCOMB_API_KEY: 'key' })).toBe('[nop, otlp_http/honeycomb]');
    expect(await exporters({ OTLP_ENDPOINT: 'https://otlp.example.com', HONEYCOMB_API_KEY: 'key' })).toBe(
      '[nop, otlp_http/backend, otlp_http/honeycomb]',
    );
  });

  test('leads the links of alerts to this machine, or where a setting says', async () => {
    const addresses = ({ services }: ComposeModel) => [
      services['observatory']?.environment?.['OBSERVATORY_PUBLIC_URL'],
      services['prometheus']?.environment?.['OBSERVATORY_PUBLIC_URL'],
      services['prometheus']?.environment?.['GRAFANA_PUBLIC_URL'],
    ];
    expect(addresses(model)).toEqual(['http://localhost:8088', 'http://localhost:8088', 'http://localhost:3000']);
    const [observatory, grafana] = ['https://o.example.com', 'https://g.example.com'];
    const set = { OBSERVATORY_PUBLIC_URL: observatory, GRAFANA_PUBLIC_URL: grafana };
    expect(addresses(await readModel(compose ?? '', set))).toEqual([observatory, observatory, grafana]);
  });

  test('lets .env set every port and every image', async () => {
    const file = readFileSync(join(root, '.env'), 'utf8');
    const yaml = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    const names = [...file.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, name]) => name ?? '');
    for (const name of names) expect(yaml, name).toMatch(new RegExp(`\\$\\{${name}[:}]`));
    for (const [, name] of yaml.matchAll(/\$\{(\w+_(?:PORT|IMAGE|TAG))[:}]/g)) expect(names).toContain(name);
    // The defaults in the file itself, for who runs it without .env, are the same.
    for (const [, name, value] of file.matchAll(/^([A-Z0-9_]+(?:_PORT|_IMAGE|_TAG))=(.*)$/gm)) {
      expect(yaml).toContain(`\${${name}:-${value}}`);
    }
  });
});

test('builds no image when a test fails', () => {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const stages = new Map<string, string>();
  for (const part of text.split(/^(?=FROM )/m).slice(1)) stages.set(/ AS (\S+)/.exec(part)?.[1] ?? '', part);
  expect(stages.get('test')).toContain('vitest run --project unit');
  const needs = (stage: string): string[] =>
    [...(stages.get(stage) ?? '').matchAll(/^(?:FROM |COPY --from=)(\S+)/gm)].flatMap(([, name]) =>
      name && stages.has(name) ? [name, ...needs(name)] : [],
    );
  const images = [...stages.keys()].filter((stage) => stages.get(stage)?.includes('ENTRYPOINT'));
  expect(images.toSorted()).toEqual(['observatory', 'release-tools', 'service']);
  for (const image of images) expect(needs(image), image).toContain('test');
});
