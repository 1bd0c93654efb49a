import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { composeTarget } from '../../pipeline/targets/compose.ts';
import type { BuildRequest, DeployRequest } from '../../pipeline/targets/target.ts';
import { createTemporaryDirectory } from '../harness/suite.ts';
import { findDocker, prepareImages } from './compose.ts';
import { run } from './tools.ts';

const found = await findDocker();
const services = ['customer'] as const;
/** Commits that nobody else has: images are of the whole engine. */
const revision = () => randomBytes(20).toString('hex');
const commits = { first: revision(), second: revision(), broken: revision() };
const versionOf = (commit: string) => `0.1.0+${commit.slice(0, 7)}`;
const lines: string[] = [];

/** Of a compose file with one service, which is made as those of the suite are: by tag, with labels and a health check. */
let directory: { path: string; remove(): void };
let env: Record<string, string | undefined>;

function program(code: string): void {
  writeFileSync(join(directory.path, 'main.js'), code);
}
const serves = `require('node:http').createServer((q, r) => r.end('ok')).listen(8081); process.on('SIGTERM', () => process.exit());`;

function request(commit: string): BuildRequest & DeployRequest {
  return {
    root: directory.path,
    env,
    signal: AbortSignal.timeout(240_000),
    log: (line) => lines.push(line),
    commit: { revision: commit, version: versionOf(commit) },
    services,
    runUrl: null,
  };
}

describe.skipIf(!found)('the target compose, on a real engine', () => {
  beforeAll(async () => {
    if (!found) return;
    await prepareImages(found, ['NODE_IMAGE']);
    directory = createTemporaryDirectory('compose-target');
    env = {
      PATH: [dirname(found.compose), dirname(found.docker), process.env['PATH']].join(delimiter),
      HOME: process.env['HOME'],
      COMPOSE_PROJECT_NAME: `hotrod-test-${randomBytes(3).toString('hex')}`,
    };
    writeFileSync(
      join(directory.path, 'docker-compose.yml'),
      `services:
  customer:
    image: hotrod/customer:\${HOTROD_TAG}
    build: { context: ., args: { VERSION: '\${HOTROD_VERSION}', REVISION: '\${HOTROD_REVISION}' } }
    init: true
`,
    );
    writeFileSync(
      join(directory.path, 'Dockerfile'),
      `FROM node:24-bookworm-slim
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.version=\${VERSION} org.opencontainers.image.revision=\${REVISION}
COPY main.js /main.js
CMD ["node", "/main.js"]
HEALTHCHECK --interval=1s --retries=60 CMD ["node", "-e", "fetch('http://127.0.0.1:8081').then(() => {}, () => process.exit(1))"]
`,
    );
    program(serves);
  });
  afterAll(async () => {
    if (!found || !directory) return;

    await run(found.compose, ['down', '--volumes', '--timeout', '1'], {
      cwd: directory.path,
      env: {
        COMPOSE_PROJECT_NAME: env['COMPOSE_PROJECT_NAME'] ?? '',
        HOTROD_TAG: 'none',
        HOTROD_VERSION: '',
        HOTROD_REVISION: '',
      },
    });
    const tags = Object.values(commits).map((commit) => `hotrod/customer:${commit.slice(0, 7)}`);
    await run(found.docker, ['image', 'rm', '--force', ...tags, 'hotrod/customer:previous']);
    directory.remove();
  });

  test('builds an image under the tag of the commit, and runs it', async () => {
    expect(await composeTarget.current(request(commits.first))).toEqual({});
    const { artifacts } = await composeTarget.build(request(commits.first));
    expect(artifacts).toEqual({ customer: `hotrod/customer:${commits.first.slice(0, 7)}` });
    const { before, after } = await composeTarget.deploy(request(commits.first));
    expect(before).toEqual({});
    expect(after).toEqual({
      customer: { version: versionOf(commits.first), revision: commits.first, ready: true },
    });
  });

  test('puts a release in the place of the one before, and goes back to it', async () => {
    await composeTarget.build(request(commits.second));
    const { before, after } = await composeTarget.deploy(request(commits.second));
    expect([before.customer?.revision, after.customer?.revision]).toEqual([commits.first, commits.second]);
    const back = await composeTarget.rollback({ ...request(commits.second), to: before });
    expect(back.after).toEqual(before);
  });

  test('does not touch what runs where the new release does not become ready, and says why', async () => {
    program(`console.error('the road is closed'); process.exit(1);`);
    await composeTarget.build(request(commits.broken));
    const id = async () =>
      (await run(found?.docker ?? '', ['ps', '--quiet', '--filter', `name=${env['COMPOSE_PROJECT_NAME']}`])).stdout;
    const before = await id();
    await expect(composeTarget.deploy(request(commits.broken))).rejects.toThrow(
      /The new customer does not become ready \(exited.*The one before runs on/,
    );
    expect(lines).toContain('the road is closed');
    expect(await id()).toBe(before);
    expect((await composeTarget.current(request(commits.broken))).customer?.revision).toBe(commits.first);
  });
});
