import { readFileSync } from 'node:fs';

import type { z } from 'zod';

/** A JSON file that has the form it should. @throws if it is missing, no JSON, or of another form. */
export function readJsonFile<T>(path: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
}
