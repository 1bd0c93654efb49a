import { afterAll, beforeAll, expect, it } from 'vitest';

import { createTemporaryDirectory } from '../harness/suite.ts';
import { endStack, findPortBase, type StackProcess, startStack } from './stack-process.ts';

let directory: { path: string; remove(): void };
let stack: StackProcess;

beforeAll(async () => {
  directory = createTemporaryDirectory('observed');
  stack = startStack(directory.path, await findPortBase(), ['--no-load'], { OTEL_BSP_SCHEDULE_DELAY: '100' });
  await stack.printed(/HotROD runs|HotROD: /);
  expect(stack.errors()).toBe('');
});
afterAll(async () => {
  await endStack(stack);
  directory.remove();
});

it('without any option observes itself: the Observatory comes first, and a ride is found in it', async () => {
  const observatory = `http://127.0.0.1:${stack.portBase + 8}`;
  expect(stack.output().match(/https?:\/\/[^\s,]+/)?.[0]).toBe(observatory);
  expect(
    stack
      .output()
      .match(/^ {2}\w+ .*$/m)?.[0]
      ?.trim()
      .split(/ {2,}/),
  ).toEqual(['observatory', observatory, 'ready']);

  const answer = await fetch(`${stack.url}/dispatch?customer=123`);
  expect(answer.status).toBe(200);
  const traceId = answer.headers.get('traceresponse')?.split('-')[1] ?? '';
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  const found = async () => {
    const response = await fetch(`${observatory}/api/traces/${traceId}`);
    return response.ok ? response.text() : '';
  };
  await expect.poll(found, { timeout: 60_000 }).toContain('GET /dispatch');
});
