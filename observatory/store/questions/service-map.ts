import type { ServiceMap } from '../../contract/contract.ts';
import { askRows, populationSql, type Asking, type Population } from './population.ts';

/** A map with more nodes than this cannot be read; the services that are called least are left out. */
const mostNodes = 200;
const mostEdges = 500;

interface NodeRow {
  service: string;
  spans: number;
  served: number;
  error_rate: number;
  p95_ms: number;
}

interface EdgeRow {
  from: string;
  to: string;
  kind: 'service' | 'database' | 'link';
  calls: number;
  error_rate: number;
  p50_ms: number;
  p95_ms: number;
}

/**
 * Who calls whom over every span of a time range that passes the filter. Calls between services are shown as their
 * caller saw them, network included; messages, which are joined to their sender by a link, as their receiver saw them.
 * A service that serves nothing is of kind `client`.
 */
export async function askServiceMap(asking: Asking, population: Omit<Population, 'scope'>): Promise<ServiceMap> {
  const spans = { ...population, scope: 'spans' as const };
  const seconds = (population.toMs - population.fromMs) / 1000;
  const forNodes = populationSql(spans);
  const nodes = await askRows<NodeRow>(asking, 'service-map-nodes', forNodes.binder, {
    where: forNodes.where,
    limit: forNodes.binder.bind(mostNodes),
  });
  const forEdges = populationSql(spans);
  const edges = await askRows<EdgeRow>(asking, 'service-map-edges', forEdges.binder, {
    where: forEdges.where,
    limit: forEdges.binder.bind(mostEdges),
  });
  return {
    nodes: [
      ...nodes.map((row) => ({
        service: row.service,
        spans: row.spans,
        errorRate: row.error_rate,
        p95Ms: row.p95_ms,
        ratePerSecond: (row.served > 0 ? row.served : row.spans) / seconds,
        kind:
          row.served === 0 && edges.some((edge) => edge.from === row.service)
            ? ('client' as const)
            : ('service' as const),
      })),
      ...databases(edges, seconds),
    ],
    edges: edges.map((row) => ({
      from: row.from,
      to: row.to,
      kind: row.kind === 'link' ? 'link' : 'call',
      calls: row.calls,
      ratePerSecond: row.calls / seconds,
      errorRate: row.error_rate,
      p50Ms: row.p50_ms,
      p95Ms: row.p95_ms,
    })),
  };
}

/** Databases send no spans: what is known of them is what their callers saw. */
function databases(edges: readonly EdgeRow[], seconds: number): ServiceMap['nodes'] {
  const nodes = new Map<string, ServiceMap['nodes'][number]>();
  for (const edge of edges) {
    if (edge.kind !== 'database') continue;
    const node = nodes.get(edge.to) ?? {
      service: edge.to,
      spans: 0,
      errorRate: 0,
      p95Ms: 0,
      ratePerSecond: 0,
      kind: 'database',
    };
    const spans = node.spans + edge.calls;
    nodes.set(edge.to, {
      ...node,
      spans,
      errorRate: (node.errorRate * node.spans + edge.error_rate * edge.calls) / spans,
      // The worst of several callers' figures, because p95s cannot be added up.
      p95Ms: Math.max(node.p95Ms, edge.p95_ms),
      ratePerSecond: spans / seconds,
    });
  }
  return [...nodes.values()];
}
