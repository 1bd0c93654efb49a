import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createHostCheck, describeUnknownHost } from '@hotrod/kit/host-names';
import { closeServer } from '@hotrod/kit/server';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server';

/** Questions are short. */
const maxBodyBytes = 64 * 1024;

/**
 * Serves tools at `/mcp`. A page of a stranger is refused by its Host and Origin, because browsers reach loopback, too.
 *
 * @param options.port 0 for any free one.
 * @param options.allowedHosts names besides those of {@link createHostCheck} under which it is reached.
 * @returns its address, and how to end it.
 * @throws the system's error if it cannot listen.
 */
export async function serveHttp(
  factory: McpServerFactory,
  { host, port, allowedHosts }: { host: string; port: number; allowedHosts: readonly string[] },
): Promise<{ url: string; close(): Promise<void> }> {
  const handler = createMcpHandler(factory, { maxRequestBodySize: maxBodyBytes });
  const answer = toNodeHandler(handler, { maxRequestBodySize: maxBodyBytes });
  const isOurName = createHostCheck([host, ...allowedHosts]);
  /** Stricter than the check of hosts: a page of any IP address may be a stranger's. */
  const origins = new Set([
    'localhost',
    '127.0.0.1',
    '[::1]',
    host.includes(':') ? `[${host}]` : host,
    ...allowedHosts,
  ]);
  const server = createServer((request, response) => {
    const refuse = (sentence: string): void =>
      void response
        .writeHead(403, { 'content-type': 'application/json', connection: 'close' })
        // An error outside of a question, as the SDK's own checks answer.
        .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message: sentence }, id: null }));
    const { host: name, origin } = request.headers;
    if (!isOurName(name)) return refuse(describeUnknownHost('This server', name, '--allowed-host'));
    if (origin !== undefined && !origins.has(URL.parse(origin)?.hostname ?? '')) {
      return refuse(`A page of ${origin.slice(0, 100)} may not ask here, unless --allowed-host names its host.`);
    }
    if (URL.parse(request.url ?? '/', 'http://localhost')?.pathname !== '/mcp') {
      return void response.writeHead(404, { 'content-type': 'text/plain' }).end('MCP is served at /mcp.\n');
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
