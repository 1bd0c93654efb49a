import { describe, expect, it } from 'vitest';

import {
  ConfigError,
  integer,
  listenSettings,
  number,
  optionalText,
  parseKeyValueList,
  readConfig,
  releaseOf,
  url,
} from './config.ts';

const settings = {
  delayMs: number('DELAY_MS', 2.5, 'how long it takes, in milliseconds', { max: 1000 }),
  attempts: integer('ATTEMPTS', 3, 'how often it is tried', { min: 1, max: 10 }),
  note: optionalText('NOTE', 'what is said'),
  backendUrl: url('BACKEND_URL', 'http://127.0.0.1:1', 'where the backend is'),
};
const required = {
  databaseUrl: url('DATABASE_URL', undefined, 'the Postgres to use', ['postgres:', 'postgresql:']),
  delayMs: settings.delayMs,
};

function faults(table: Parameters<typeof readConfig>[0], env: Record<string, string>): string[] {
  try {
    readConfig(table, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
  return [];
}

describe('readConfig', () => {
  it('uses the defaults when nothing is set', () => {
    expect(readConfig(settings, {})).toEqual({
      delayMs: 2.5,
      attempts: 3,
      note: null,
      backendUrl: 'http://127.0.0.1:1',
    });
  });

  it('treats an empty string, as shells and Helm write it, as unset', () => {
    expect(readConfig(settings, { DELAY_MS: '', ATTEMPTS: '', NOTE: '', BACKEND_URL: '' })).toEqual(
      readConfig(settings, {}),
    );
    expect(faults(required, { DATABASE_URL: '' })).toEqual(['DATABASE_URL is not set; it is the Postgres to use.']);
  });

  it('reads what is set, in the type that the setting says', () => {
    const env = { DELAY_MS: ' 0.25 ', ATTEMPTS: '10', NOTE: 'x', BACKEND_URL: 'https://b.example/v1' };
    expect(readConfig(settings, env)).toEqual({
      delayMs: 0.25,
      attempts: 10,
      note: 'x',
      backendUrl: 'https://b.example/v1',
    });
  });

  it('names every fault, not only the first, and what each setting is', () => {
    expect(faults(required, { DELAY_MS: 'soon' })).toEqual([
      'DATABASE_URL is not set; it is the Postgres to use.',
      'DELAY_MS is not valid: not a number. It is how long it takes, in milliseconds.',
    ]);
  });

  it('never repeats a value: it may be a password', () => {
    expect(faults(required, { DATABASE_URL: 'mysql://user:secret@host/db' }).join()).not.toContain('secret');
  });

  it.each(['ten', '1e3', '0x10', '1,5', 'NaN', 'Infinity', '.', '-', '1.', '10ms', ' '])(
    'refuses %j as a number',
    (text) => {
      expect(faults(settings, { DELAY_MS: text })).toHaveLength(1);
    },
  );

  it.each([
    { DELAY_MS: '-1' },
    { DELAY_MS: '1000.1' },
    { ATTEMPTS: '0' },
    { ATTEMPTS: '11' },
    { ATTEMPTS: '2.5' },
    { BACKEND_URL: 'ftp://b.example' },
    { BACKEND_URL: 'b.example:80' },
    { BACKEND_URL: 'http://' },
    { NOTE: 'x'.repeat(4097) },
  ])('refuses %j, which is out of bounds', (env) => {
    const [fault, ...more] = faults(settings, env);
    expect(more).toEqual([]);
    expect(fault).toContain(`${Object.keys(env)[0]} is not valid: `);
  });

  it('takes the bounds themselves', () => {
    expect(readConfig(settings, { DELAY_MS: '0', ATTEMPTS: '1' })).toMatchObject({ delayMs: 0, attempts: 1 });
    expect(readConfig(settings, { DELAY_MS: '1000', ATTEMPTS: '10' })).toMatchObject({ delayMs: 1000, attempts: 10 });
  });
});

describe('listenSettings', () => {
  it('listens on loopback by default', () => {
    expect(readConfig(listenSettings(8081), {})).toMatchObject({ host: '127.0.0.1', port: 8081, logLevel: 'info' });
  });

  it.each([{ PORT: '65536' }, { PORT: '-1' }, { PORT: '80.5' }, { LOG_LEVEL: 'loud' }])('refuses %j', (env) => {
    expect(faults(listenSettings(8081), env)).toHaveLength(1);
  });

  it('reads names that requests may come under as a list', () => {
    const read = (text: string) => readConfig(listenSettings(8081), { ALLOWED_HOSTS: text }).allowedHosts;
    expect(read('rides.example.com, *.example.org ,')).toEqual(['rides.example.com', '*.example.org']);
    expect(readConfig(listenSettings(8081), {}).allowedHosts).toEqual([]);
  });
});

describe('parseKeyValueList', () => {
  it.each<[string | null, Record<string, string>]>([
    [null, {}],
    ['', {}],
    ['a=1', { a: '1' }],
    [' a = 1 , b=2,', { a: '1', b: '2' }],
    ['authorization=Basic%20YTpi', { authorization: 'Basic YTpi' }],
    ['key=a=b==', { key: 'a=b==' }],
    ['rate=100%', { rate: '100%' }],
    ['empty=', { empty: '' }],
    ['nonsense,a=1', { a: '1' }],
  ])('reads %j', (text, expected) => {
    expect(parseKeyValueList(text)).toEqual(expected);
  });
});

it.each([
  ['service.namespace=hotrod,service.version=0.1.0%2B1a2b3c4', '0.1.0+1a2b3c4'],
  ['service.namespace=hotrod', null],
  [null, null],
])('takes the release from %j', (resourceAttributes, expected) => {
  expect(releaseOf({ resourceAttributes })).toBe(expected);
});
