import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A line that must be refused in a file, and the boundary of docs/architecture.md that refuses it. */
type Refused = [file: string, line: string, boundary: number];

const refused: Refused[] = [
  ['packages/kit/a.ts', "import '@hotrod/customer/client';", 1],
  ['packages/kit/b.ts', "import '@opentelemetry/api';", 3],
  ['packages/kit/c.ts', "import '../telemetry/span.ts';", 1],
  ['packages/telemetry/a.ts', "import '@hotrod/kit/errors';", 1],
  ['packages/telemetry/b.ts', "import { NodeSDK } from '@opentelemetry/sdk-node';\nnew NodeSDK();", 3],
  ['services/route/a.ts', "import '../driver/config.ts';", 1],
  ['services/route/b.ts', "import '../../packages/kit/errors.ts';", 1],
  ['services/route/c.ts', "import '../../tests/harness/suite.ts';", 1],
  ['services/frontend/a.ts', "import '@hotrod/customer/database';", 1],
  ['services/frontend/b.ts', "import '@opentelemetry/api';", 3],
  ['services/frontend/c.ts', "import '@hotrod/observatory/api/api';", 5],
  ['services/frontend/telemetry.ts', "import '@opentelemetry/sdk-node';", 3],
  ['services/frontend/dispatch.ts', "import 'express';", 2],
  ['services/driver/nearest-drivers.ts', "import './database.ts';", 2],
  ['services/route/compute-route.ts', "void fetch('http://localhost/');", 2],
  ['services/frontend/page/a.ts', "import '../../../packages/telemetry/attributes.ts';", 1],
  ['services/customer/a.test.ts', "import '../driver/database.ts';", 1],
  ['services/customer/environment.ts', "process.env['PORT'];", 4],
  ['observatory/a.ts', "import '@hotrod/customer/contract';", 5],
  ['observatory/b.ts', "import '../packages/kit/errors.ts';", 1],
  ['observatory/contract/a.ts', "import '../records/records.ts';", 5],
  ['observatory/async/a.ts', "import '../records/records.ts';", 5],
  ['observatory/records/a.ts', "import '../store/sql.ts';", 5],
  ['observatory/filter/a.ts', "import '../store/sql.ts';", 5],
  ['observatory/otlp/a.ts', "import '../store/sql.ts';", 5],
  ['observatory/otlp/protobuf/a.ts', "import '../../store/ingest/ingest.ts';", 5],
  ['observatory/store/a.ts', "import '../api/api.ts';", 5],
  ['observatory/store/questions/compare/a.ts', "import '../../../otlp/receiver.ts';", 5],
  ['observatory/api/a.ts', "import '../otlp/receiver.ts';", 5],
  ['observatory/alerting/a.ts', "import '../api/api.ts';", 5],
  ['observatory/mcp/a.ts', "import '../store/sql.ts';", 5],
  ['observatory/page/app.ts', "import '../store/sql.ts';", 5],
  ['observatory/page/trace/a.ts', "import '../../api/csv.ts';", 5],
  ['pipeline/runner/plan.ts', "import 'node:child_process';", 6],
  ['pipeline/chatops/server.ts', "import 'node:child_process';", 6],
  ['pipeline/runner/read.ts', "import '../../stack/topology.ts';", 1],
  ['pipeline/runner/execute.ts', "import '@opentelemetry/api';", 3],
  ['pipeline/runner/telemetry.ts', "import '@opentelemetry/sdk-node';", 3],
  ['services/route/app.ts', "import '@hotrod/telemetry/tracing-alone';", 3],
  ['pipeline/release/a.ts', "import '@hotrod/telemetry/tracing-alone';", 3],
  ['stack/a.ts', "import '../services/customer/config.ts';", 1],
  ['stack/b.ts', "import '../faults/flag-set.ts';", 1],
];

const allowed: [file: string, line: string][] = [
  ['services/frontend/main.ts', "import '@hotrod/customer/client';\nimport '@hotrod/kit/service';\nprocess.env['X'];"],
  ['services/route/telemetry.ts', "import '@opentelemetry/api';"],
  ['services/driver/d.test.ts', "import '../../tests/harness/suite.ts';\nimport './database.ts';"],
  ['packages/telemetry/types.ts', "import type { NodeSDK } from '@opentelemetry/sdk-node';\nexport type { NodeSDK };"],
  ['observatory/store/ok.ts', "import '../records/records.ts';\nimport '../contract/contract.ts';"],
  ['observatory/api/ok.ts', "import '../store/sql.ts';\nimport '../contract/contract.ts';"],
  ['observatory/page/state/ok.ts', "import '../../contract/contract.ts';\nimport '../api/client.ts';"],
  ['pipeline/targets/stack.ts', "import 'node:child_process';"],
  ['pipeline/chatops/program.ts', "import 'node:child_process';"],
  ['pipeline/runner/executors/a.ts', "import 'node:child_process';"],
  ['pipeline/runner/run-pipeline.ts', "import '@hotrod/telemetry/tracing-alone';"],
];

interface Finding {
  code: string;
  filename: string;
  help?: string;
  message: string;
}

/** Two files that import each other, one of them only types. */
const circle: [file: string, line: string][] = [
  ['observatory/store/hen.ts', "import type { Egg } from './egg.ts';\nexport interface Hen {\n  egg: Egg;\n}"],
  ['observatory/store/egg.ts', "import type { Hen } from './hen.ts';\nexport interface Egg {\n  hen: Hen;\n}"],
];

let findings: Finding[];
let circles: string[];
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hotrod-boundaries-'));
  // Beside the checkout, not in it: the linter would read it.
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const checkout = join(directory, 'checkout');
  await mkdir(checkout);
  await copyFile(join(root, 'oxlint.config.ts'), join(checkout, 'oxlint.config.ts'));
  for (const [file, line] of [...refused, ...allowed, ...circle]) {
    await mkdir(dirname(join(checkout, file)), { recursive: true });
    await writeFile(join(checkout, file), `${line}\n`);
  }
  // To a file: what goes to a pipe is cut where it is long.
  const output = await open(join(directory, 'findings.json'), 'w+');
  const linter = spawn(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '--format', 'json'], {
    cwd: checkout,
    stdio: ['ignore', output.fd, 'inherit'],
  });
  await once(linter, 'exit');
  await output.close();
  const { diagnostics } = JSON.parse(await readFile(join(directory, 'findings.json'), 'utf8')) as {
    diagnostics: Finding[];
  };
  circles = diagnostics.filter(({ code }) => /no-cycle/.test(code)).map(({ filename }) => filename);
  findings = diagnostics.filter(({ code }) => /no-restricted-(imports|globals)|no-process-env/.test(code));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the boundaries of docs/architecture.md', () => {
  it.each(refused)('in %s the linter refuses: %s', (file, _line, boundary) => {
    const mine = findings.filter(({ filename }) => filename === file);
    expect(mine).not.toEqual([]);
    // The rule for process.env is Node's own, which says so itself.
    const expected = boundary === 4 ? /process\.env/ : new RegExp(`docs/architecture\\.md, boundary ${boundary}\\)`);
    for (const { help, message } of mine) expect(`${message} ${help ?? ''}`).toMatch(expected);
  });

  it.each(allowed)('in %s the linter allows: %s', (file) => {
    expect(findings.filter(({ filename }) => filename === file)).toEqual([]);
  });

  it('the linter refuses a circle of imports, even of types alone', () => {
    expect(circles.toSorted()).toEqual(circle.map(([file]) => file).toSorted());
  });

  it.each([
    ['services/frontend', '@hotrod/customer/database'],
    ['services/frontend', '@hotrod/driver/config'],
    ['services/customer', '@hotrod/frontend/dispatch'],
    ['services/customer', '@hotrod/telemetry/sdk'],
    ['stack', '@hotrod/loadgen/k6'],
  ])('from %s Node refuses to import %s', (workspace, specifier) => {
    const resolve = createRequire(join(root, workspace, 'package.json')).resolve;
    expect(() => resolve(specifier)).toThrow(/not defined by "exports"/);
  });
});
