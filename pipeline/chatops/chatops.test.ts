import { describe, expect, test } from 'vitest';

import { permittedEnvironment, readChatopsConfig } from './config.ts';
import { describeOrder, OrderError, readOrder, readSlashCommand, type Work } from './order.ts';
import { programOf } from './program.ts';
import { codeBlock, responseAddress } from './respond.ts';
import { createSignatureCheck, sign } from './signature.ts';

// The example of Slack's documentation: https://docs.slack.dev/authentication/verifying-requests-from-slack
const example = {
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  timestamp: '1531420618',
  body: Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  ),
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
};
const sentMs = Number(example.timestamp) * 1000;

describe('the signature', () => {
  const { secret, timestamp, signature, body } = example;

  test("takes the example of Slack's documentation, once", () => {
    const signatures = createSignatureCheck(secret, () => sentMs + 1_000);
    expect(signatures.check(timestamp, signature, body)).toBeNull();
    expect(signatures.check(timestamp, signature, body)).toBe('replayed');
  });

  test.each([
    ['no timestamp', undefined, signature, 'unsigned'],
    ['no signature', timestamp, undefined, 'unsigned'],
    ['a timestamp that is no number', '1e9', signature, 'unsigned'],
    ['another version', timestamp, signature.replace('v0', 'v1'), 'unsigned'],
    ['half a signature', timestamp, signature.slice(0, 40), 'unsigned'],
    ['another signature', timestamp, `v0=${'0'.repeat(64)}`, 'wrong'],
    ['the signature of another time', String(Number(timestamp) + 1), signature, 'wrong'],
  ])('refuses %s', (_what, time, signed, fault) => {
    expect(createSignatureCheck(secret, () => sentMs).check(time, signed, body)).toBe(fault);
  });

  test('refuses another body and another secret', () => {
    const other = Buffer.from(body.toString().replace('text=', 'text=deploy'));
    expect(createSignatureCheck(secret, () => sentMs).check(timestamp, signature, other)).toBe('wrong');
    expect(createSignatureCheck(`${secret}x`, () => sentMs).check(timestamp, signature, body)).toBe('wrong');
  });

  test.each([
    [300_000, null],
    [301_000, 'stale'],
    [-300_000, null],
    [-301_000, 'stale'],
  ])('%s ms after it was signed: %s', (laterMs, fault) => {
    expect(createSignatureCheck(secret, () => sentMs + laterMs).check(timestamp, signature, body)).toBe(fault);
  });

  test('remembers a signature for as long as it is fresh, also one from a clock that is ahead', () => {
    let nowMs = sentMs - 300_000;
    const signatures = createSignatureCheck(secret, () => nowMs);
    expect(signatures.check(timestamp, signature, body)).toBeNull();
    nowMs = sentMs + 300_000;
    expect(signatures.check(timestamp, signature, body)).toBe('replayed');
    nowMs += 1_000;
    expect(signatures.check(timestamp, signature, body)).toBe('stale');
  });

  test('takes no more than it can remember, until some are forgotten', () => {
    let nowMs = sentMs;
    const signatures = createSignatureCheck(secret, () => nowMs);
    const check = (text: string, time: string) => signatures.check(time, sign(secret, time, text), Buffer.from(text));
    for (let number = 0; number < 10_000; number += 1) expect(check(`a${number}`, timestamp)).toBeNull();
    expect(check('one more', timestamp)).toBe('full');
    nowMs += 302_000;
    expect(check('one more', String(nowMs / 1000))).toBeNull();
  });
});

describe('an order', () => {
  test.each([
    ['status production', 'status of production'],
    ['  deploy   production 1a2b3c4 ', 'deploy of 1a2b3c4 to production'],
    ['deploy staging feature/blue', 'deploy of feature/blue to staging'],
    ['rollback production', 'rollback of all services in production'],
    ['rollback production route customer', 'rollback of customer, route in production'],
    ['cancel production', 'cancellation in production'],
  ])('reads %s', (text, description) => {
    expect(describeOrder(readOrder(text))).toBe(description);
  });

  test.each([
    '',
    'help',
    'destroy production',
    'status',
    'status ../production',
    'status production now',
    'cancel',
    'cancel production now',
    'deploy production',
    'deploy production a b',
    'deploy production --upload-pack=x',
    'deploy production a..b',
    'deploy production main@{1}',
    'deploy production $(id)',
    'deploy production a;b',
    `deploy production ${'a'.repeat(200)}`,
    'rollback production observatory',
    'rollback production --to',
  ])('refuses "%s" in words', (text) => {
    expect(() => readOrder(text)).toThrow(OrderError);
  });

  test('becomes a program and its arguments, without a shell', () => {
    const environment = { target: 'stack' as const, repository: '/srv/hotrod.git', branch: 'main', env: {} };
    const work = (text: string) => readOrder(text) as Work;
    const [program, ...args] = programOf(work('deploy production v1.2'), environment);
    expect(program).toMatch(/pipeline\/runner\/main\.ts$/);
    expect(args).toEqual([
      'run',
      '--target=stack',
      '--repo=/srv/hotrod.git',
      '--revision=v1.2',
      '--branch=main',
      '--approval=auto',
    ]);
    const running = '1a2b3c4'.repeat(6).slice(0, 40);
    expect(programOf(work('deploy production v1.2'), environment, { running }).at(-1)).toBe(
      `--var=PRODUCTION_REVISION=${running}`,
    );
    expect(programOf(work('rollback production route'), environment).slice(1)).toEqual([
      'rollback',
      '--target=stack',
      '--service=route',
    ]);
    expect(programOf(work('rollback production'), environment, { recordFile: '/tmp/r.json' }).slice(1)).toEqual([
      'rollback',
      '--target=stack',
      '--record=/tmp/r.json',
    ]);
    expect(programOf(work('status production'), environment).slice(1)).toEqual(['status', '--target=stack']);
  });

  test('is read from the form of a slash command', () => {
    expect(readSlashCommand(example.body.toString())).toEqual({
      teamId: 'T1DC2JH3J',
      userId: 'U2CERLKJA',
      text: '',
      responseUrl: 'https://hooks.slack.com/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN',
    });
    expect(readSlashCommand('team_id=T1&user_id=U1')).toBeNull();
  });
});

describe('who may do what', () => {
  const file = {
    environments: {
      production: { target: 'kubernetes', repository: '.', env: { KUBE_CONTEXT: 'eks' } },
      staging: { target: 'compose', repository: '.' },
    },
    people: { U01: { production: ['status'], staging: ['status', 'deploy', 'rollback'] } },
    teams: ['T01'],
  };
  const config = readChatopsConfig(JSON.stringify(file));
  const may = (userId: string, teamId: string, text: string) =>
    permittedEnvironment(config, { userId, teamId }, readOrder(text)) !== null;

  test('is what the file says, and nothing else', () => {
    expect(may('U01', 'T01', 'status production')).toBe(true);
    expect(may('U01', 'T01', 'rollback staging')).toBe(true);
    expect(may('U01', 'T01', 'rollback production')).toBe(false);
    expect(may('U01', 'T02', 'status production')).toBe(false);
    expect(may('U02', 'T01', 'status production')).toBe(false);
    expect(may('U01', 'T01', 'status elsewhere')).toBe(false);
    for (const name of ['constructor', '__proto__', 'toString']) expect(may(name, 'T01', 'status staging')).toBe(false);
    expect(may('U01', 'T01', 'status constructor')).toBe(false);
    // Who may change something may cancel; of what, is for the one who knows what is under way.
    expect(may('U01', 'T01', 'cancel staging')).toBe(true);
    expect(may('U01', 'T01', 'cancel production')).toBe(false);
  });

  test.each([
    ['{', /not JSON/],
    [JSON.stringify({ ...file, people: { U01: { prod: ['status'] } } }), /"prod", which is not an environment/],
    [JSON.stringify({ ...file, people: { U01: { staging: ['destroy'] } } }), /people\.U01\.staging\.0/],
    [JSON.stringify({ ...file, people: { '@ada': { staging: ['status'] } } }), /people/],
    [JSON.stringify({ ...file, poeple: {} }), /poeple/],
  ])('refuses a file that is wrong: %s', (text, message) => {
    expect(() => readChatopsConfig(text)).toThrow(message);
  });
});

describe('a later answer', () => {
  const origins = ['https://chat.example.com'];

  test.each(['https://hooks.slack.com/commands/T1/2/3', 'https://chat.example.com/hooks/1'])('may go to %s', (text) => {
    expect(responseAddress(text, origins)?.href).toBe(text);
  });

  test.each([
    'http://hooks.slack.com/commands/1',
    'https://hooks.slack.com.example.com/',
    'https://hooks.slack.com:8443/',
    'https://hooks.slack.com@169.254.169.254/',
    'https://user:pass@hooks.slack.com/',
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:8088/1/markers',
    'file:///etc/passwd',
    'https://chat.example.com:444/',
    'nonsense',
  ])('may not go to %s', (text) => {
    expect(responseAddress(text, origins)).toBeNull();
  });

  test('shows lines of a program as they are, whatever is in them', () => {
    expect(codeBlock('<!channel> a & b ``` c')).toBe("```\n&lt;!channel&gt; a &amp; b ''' c\n```");
  });
});
