import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Express } from 'express';

/** Serves the runbooks of a directory, as the text they are: `/runbooks/<name>` is `<name>.md`. */
export function runbookFiles(app: Express, directory: string): void {
  app.get('/runbooks/:name', (request, response, next) => {
    const { name } = request.params;
    const file = join(directory, `${name}.md`);
    if (!/^[a-z0-9-]{1,100}$/.test(name) || !existsSync(file)) {
      next();
      return;
    }
    response
      .set({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' })
      .type('text/plain; charset=utf-8');
    response.send(readFileSync(file, 'utf8'));
  });
}
