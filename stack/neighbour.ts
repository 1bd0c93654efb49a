import type { IncomingMessage, ServerResponse } from 'node:http';

import { createHostCheck } from '@hotrod/kit/host-names';
import { z } from 'zod';

/** Where a suite says who it is, on its server of run pages. */
const path = '/suite.json';
/** How long another suite may take to say who it is, in milliseconds: a start waits for it. */
const timeoutMs = 1_000;

const neighbourSchema = z.object({
  program: z.literal('hotrod'),
  pid: z.int().positive(),
  // Whoever listens there says it, and it is shown in a terminal: nothing that moves the cursor or turns the text around.
  dataDir: z
    .string()
    .max(4_096)
    .regex(/^[^\p{Cc}\p{Cf}]+$/u),
});
/** A suite that runs on this machine. */
export type Neighbour = Omit<z.infer<typeof neighbourSchema>, 'program'>;

/** Whether a request asks which suite this is. */
export function asksForSuite(url: string | undefined): boolean {
  return url === path;
}

/** Answers which suite this is, to programs of this machine alone. */
export function createSuiteHandler(suite: Neighbour): (request: IncomingMessage, response: ServerResponse) => void {
  const isOurs = createHostCheck([]);
  return (request, response) => {
    if (!isOurs(request.headers.host)) {
      response.writeHead(421).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify({ program: 'hotrod', ...suite }));
  };
}

/** The suite whose run pages are at a port; null if there is none, or it does not say. */
export async function findSuite(runPagesPort: number): Promise<Neighbour | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${runPagesPort}${path}`, {
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? neighbourSchema.parse(await response.json()) : null;
  } catch {
    return null;
  }
}
