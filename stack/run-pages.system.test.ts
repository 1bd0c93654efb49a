import { expect, it, onTestFinished } from 'vitest';

import { startRunPages } from './run-pages.ts';

it('answers 500 where a page throws, says why, and goes on', async () => {
  const reported: unknown[] = [];
  const pages = await startRunPages(
    (request, response) => {
      if (request.url === '/broken') throw new Error('broken page');
      response.end('whole');
    },
    0,
    (error) => reported.push(error),
  );
  onTestFinished(() => pages.close());
  expect((await fetch(`${pages.url}/broken`)).status).toBe(500);
  expect(reported).toEqual([new Error('broken page')]);
  expect(await (await fetch(`${pages.url}/whole`)).text()).toBe('whole');
});
