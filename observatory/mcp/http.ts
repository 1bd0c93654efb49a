import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { closeServer } from '@hotrod/kit/server';
import {
  hostHeaderValidation,
  type NodeIncomingMessageLike,
  originValidation,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server';

/** Questions are short. */
const maxBodyBytes = 64 * 1024;

/**
 * Serves tools at `/mcp`. A page of a stranger is refused by its Host and Origin, because browsers reach loopback, too.
 *
 * @param port 0 for any free one.
 * @returns where it answers, and how to end it.
 * @throws the system's error where it cannot listen.
 */
export async function serveHttp(
  factory: McpServerFactory,
  { host, port }: { host: string; port: number },
): Promise<{ url: string; close(): Promise<void> }> {
  const handler = createMcpHandler(factory, { maxRequestBodySize: maxBodyBytes });
  const answer = toNodeHandler(handler, { maxRequestBodySize: maxBodyBytes });
  const names = ['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host];
  const isOurHost = hostHeaderValidation(names);
  const isOurOrigin = originValidation(names);
  const server = createServer((request, response) => {
    if (!isOurHost(request, response) || !isOurOrigin(request, response)) return;
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('MCP is served at /mcp.\n');
      return;
    }
    void answer(request as NodeIncomingMessageLike, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/mcp`,
    close: async () => {
      await handler.close();
      await closeServer(server, { cutAfterMs: 1_000 });
    },
  };
}
