import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves the pages of pipeline runs. */
export interface RunPages {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves what the runner has recorded, to this machine alone. It outlives every run, so a marker's link leads somewhere.
 *
 * @param handler what it throws is answered with 500 and reported: no request may end the suite.
 * @throws the system's error if the port is taken.
 */
export async function startRunPages(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
  report: (error: unknown) => void,
): Promise<RunPages> {
  const server = createServer((request, response) => {
    try {
      handler(request, response);
    } catch (error) {
      report(error);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('This request could not be answered.\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
