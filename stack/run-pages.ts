import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Serves the pages of pipeline runs. */
export interface RunPages {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves what the runner has recorded, to this machine alone. It outlives every run, so a marker's link leads somewhere.
 *
 * @throws the system's error where the port is taken.
 */
export async function startRunPages(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
): Promise<RunPages> {
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
