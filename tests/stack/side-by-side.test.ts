import { afterAll, beforeAll, expect, it } from 'vitest';

import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory } from '../harness/suite.ts';
import { endStack, findPortBase, runStackCommand, type StackProcess, startStack } from './stack-process.ts';

let directories: { path: string; remove(): void }[];
let receivers: OtlpReceiver[];
let stacks: StackProcess[];

beforeAll(async () => {
  directories = [createTemporaryDirectory('left'), createTemporaryDirectory('right')];
  receivers = await Promise.all([startOtlpReceiver(), startOtlpReceiver()]);
  stacks = [];
  for (const [index, { path }] of directories.entries()) {
    const args = ['--otlp-endpoint', receivers[index]?.url ?? '', '--otlp-headers', `x-suite=${index}`, '--rate', '4'];
    stacks.push(
      startStack(path, await findPortBase(), args, {
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      }),
    );
    await stacks.at(-1)?.printed(/HotROD runs|HotROD: /);
  }
});
afterAll(async () => {
  await Promise.all(stacks.map(endStack));
  await Promise.all(receivers.map((receiver) => receiver.close()));
  for (const directory of directories) directory.remove();
});

it('two suites run side by side, each with its own rides, database, load and telemetry', async () => {
  const [left, right] = stacks as [StackProcess, StackProcess];
  expect([left.errors(), right.errors()]).toEqual(['', '']);
  expect(await Promise.all([left.dispatch(123), right.dispatch(567)])).toEqual([200, 200]);
  await Promise.all(
    receivers.map((receiver) =>
      receiver.eventually('rides of the load', () => {
        const clients = receiver.spans
          .filter((span) => span.name === 'GET /dispatch')
          .map((span) => span.attributes['session.id']);
        return clients.filter((id) => String(id).startsWith('load-')).length >= 4;
      }),
    ),
  );
  const sessions = receivers.map(
    (receiver) =>
      new Set(
        receiver.spans.map((span) => span.attributes['session.id']).filter((id) => String(id).startsWith('load-')),
      ),
  );
  expect(sessions[0]?.intersection(sessions[1] ?? new Set()).size).toBe(0);

  const third = await runStackCommand('--port-base', String(left.portBase), '--data-dir', `${left.dataDir}/third`);
  expect(third).toMatchObject({ code: 1 });
  expect(`${third.output}${third.errors}`).toContain(
    `is taken by another HotROD, which runs from ${left.dataDir} (process ${left.process.pid})`,
  );

  expect((await runStackCommand('rate', '0', '--data-dir', left.dataDir)).output).toContain('load: none');
  expect((await runStackCommand('rate', '--data-dir', right.dataDir)).output).toContain('load: 4 dispatches/s');

  left.process.kill('SIGTERM');
  expect(await left.ended).toBe(0);
  expect(await right.dispatch(392)).toBe(200);
});
