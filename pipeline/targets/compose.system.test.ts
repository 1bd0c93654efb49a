import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { composeTarget } from './compose.ts';

const next = { revision: 'b'.repeat(40), version: '0.1.0+bbbbbbb' };
const before = { version: '0.1.0+aaaaaaa', revision: 'a'.repeat(40) };

/**
 * What an engine with the one service customer answers; a real one is asked in tests/deploy/compose-target.test.ts. The
 * file `running` has the version of its container, and is missing while there is none. The first `up` waits between
 * removing the old container and starting the new one, for SIGTERM or the file `go-on`.
 */
const docker = `
case "$*" in
  'compose version') ;;
  'compose ps --quiet customer') if [ -e running ]; then echo id; fi ;;
  'compose ps '*) ;;
  'compose up '*)
    rm -f running
    if [ ! -e between ]; then touch between; until [ -e go-on ]; do sleep 0.05; done; fi
    echo "$HOTROD_TAG $HOTROD_VERSION $HOTROD_REVISION" >> ups
    printf %s "$HOTROD_VERSION" > running ;;
  'inspect --format '*) echo running healthy ;;
  'inspect id') sed "s/VERSION/$(cat running)/" container.json ;;
  'image inspect '*) cat previous.json ;;
  *) ;;
esac
`;

function createEngine() {
  const parent = join(import.meta.dirname, '../../.hotrod/tmp');
  mkdirSync(parent, { recursive: true });
  const root = mkdtempSync(join(parent, 'compose-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const labels = (version: string) => ({
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.revision': before.revision,
  });
  const container = { Image: 'sha256:1', State: { Status: 'running' }, Config: { Labels: labels('VERSION') } };
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin', 'docker'), `#!/bin/sh${docker}`, { mode: 0o755 });
  writeFileSync(join(root, 'container.json'), JSON.stringify([container]));
  writeFileSync(join(root, 'previous.json'), JSON.stringify(labels(before.version)));
  writeFileSync(join(root, 'running'), before.version);
  const end = new AbortController();
  const read = (name: string) => {
    try {
      return readFileSync(join(root, name), 'utf8');
    } catch {
      return null;
    }
  };
  const request = {
    root,
    env: { PATH: `${join(root, 'bin')}:${process.env['PATH']}` },
    signal: end.signal,
    log: () => undefined,
    services: ['customer'] as const,
  };
  return { request, read, end };
}

test.skipIf(process.platform === 'win32')(
  'a deploy that is ended while a service has no container puts the one before back',
  async () => {
    const { request, read, end } = createEngine();
    const settled = expect(composeTarget.deploy({ ...request, commit: next, runUrl: null })).rejects.toThrow(
      'The step was ended.',
    );
    await expect.poll(() => read('between')).not.toBe(null);
    expect(read('running')).toBe(null);
    end.abort();
    await settled;
    expect(read('running')).toBe(before.version);
    expect(read('ups')).toBe(`previous ${before.version} ${before.revision}\n`);
  },
);

test.skipIf(process.platform === 'win32')(
  'a rollback that is ended while a service has no container still starts it',
  async () => {
    const { request, read, end } = createEngine();
    const settled = expect(composeTarget.rollback({ ...request, to: null })).rejects.toThrow('The step was ended.');
    await expect.poll(() => read('between')).not.toBe(null);
    end.abort();
    writeFileSync(join(request.root, 'go-on'), '');
    await settled;
    expect(read('running')).toBe(before.version);
  },
);
