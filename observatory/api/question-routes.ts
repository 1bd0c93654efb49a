import { ServiceError } from '@hotrod/kit/errors';
import { type Request, type Response, Router } from 'express';
import {
  attributeKeysParameters,
  attributeValuesParameters,
  breakdownParameters,
  compareParameters,
  exemplarParameters,
  heatmapParameters,
  markersParameters,
  noParameters,
  percentilesParameters,
  releasesParameters,
  serviceMapParameters,
  tracesParameters,
} from '../contract/parameters.ts';
import type { Expression } from '../filter/ast.ts';
import { patternsOf } from '../store/filter-sql.ts';
import { askCompare } from '../store/questions/compare/compare.ts';
import { listMarkers } from '../store/markers/markers.ts';
import { askAttributeKeys, askAttributeValues } from '../store/questions/attributes.ts';
import { askBreakdown } from '../store/questions/breakdown.ts';
import { askExemplar } from '../store/questions/exemplar.ts';
import { askHeatmap } from '../store/questions/heatmap.ts';
import { askPercentiles } from '../store/questions/percentiles.ts';
import { askReleases } from '../store/questions/releases.ts';
import type { Asking } from '../store/questions/population.ts';
import { askServiceMap } from '../store/questions/service-map.ts';
import { askSlo } from '../store/questions/slo.ts';
import { askLogs, askTrace } from '../store/questions/trace.ts';
import { askTraces } from '../store/questions/traces.ts';
import type { ApiContext } from './context.ts';
import { breakdownCsv, compareCsv, percentilesCsv, tracesCsv } from './csv.ts';
import { readField, readFilter, readParameters, readPopulation } from './parameters.ts';
import { invalid, refuseOtherMethods } from './problem.ts';

/** Patterns are read by the database alone, so it is asked before a query whether it can read them. */
async function checkPatterns(asking: Asking, parameter: string, expression: Expression | undefined): Promise<void> {
  for (const { pattern, position } of patternsOf(expression)) {
    try {
      const { reader, signal } = asking;
      await reader.rows('pattern-check', { parameters: { pattern }, ...(signal ? { signal } : {}) });
    } catch (error) {
      // Only DuckDB's errors about the pattern count here, not that the client is gone, or that time or memory ran out.
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
      if (!reason.startsWith('Invalid Input Error')) throw error;
      const fault = reason.replace(/^Invalid Input Error:\s*/, '').replace(/\.$/, '');
      throw invalid(`This pattern cannot be read: ${fault}.`, parameter, position);
    }
  }
}

function readTraceId(request: Request): string {
  const id = String(request.params['traceId']).toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw invalid('A trace id has 32 digits of 0-9 and a-f.', 'traceId');
  }
  return id;
}

function sendCsv(response: Response, name: string, csv: string): void {
  response.set('Content-Disposition', `attachment; filename="${name}.csv"`).type('text/csv').send(csv);
}

/** Releases are days apart, not minutes. */
const releasesRangeMs = 86_400_000;

/** The questions under `/api`: handlers parse, ask, answer. */
export function questionRoutes(context: ApiContext): Router {
  const router = Router({ caseSensitive: true });
  const { asking, askingAside } = context;

  router.get('/heatmap', async (request, response) => {
    const query = readParameters(heatmapParameters, request);
    const about = readPopulation(query, context.now());
    const highlight = readFilter('highlight', query.highlight);
    const { columns, rows, scale } = query;
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      await checkPatterns(reader, 'highlight', highlight);
      return askHeatmap(reader, { ...about, columns, rows, scale, highlight });
    });
    response.json(answer);
  });

  router.get('/exemplar', async (request, response) => {
    const query = readParameters(exemplarParameters, request);
    const about = readPopulation(query, context.now());
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askExemplar(reader, about, { minMs: query.minMs, maxMs: query.maxMs });
    });
    if (!answer) throw new ServiceError('not_found', 'There is no span in this box.');
    response.json(answer);
  });

  router.get('/compare', async (request, response) => {
    const query = readParameters(compareParameters, request);
    const about = readPopulation(query, context.now());
    const box = { fromMs: query.boxFrom, toMs: query.boxTo, minMs: query.minMs, maxMs: query.maxMs };
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askCompare(reader, about, box, query.limit);
    });
    if (query.format === 'csv') sendCsv(response, 'compare', compareCsv(answer));
    else response.json(answer);
  });

  router.get('/breakdown', async (request, response) => {
    const query = readParameters(breakdownParameters, request);
    const about = readPopulation(query, context.now());
    const [first, second] = query.by.map((key) => readField('by', key));
    if (!first) throw invalid('"by": Expected one or two keys.', 'by');
    for (const field of [first, second]) {
      if (field?.type === 'field' && (field.name === 'duration' || field.name === 'start')) {
        throw invalid(`"${field.name}" has no groups; group by an attribute.`, 'by');
      }
    }
    const { sort, limit, series, measure, points } = query;
    const by = second === undefined ? ([first] as const) : ([first, second] as const);
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askBreakdown(reader, { ...about, by, sort, limit, series, measure, points });
    });
    if (query.format === 'csv') sendCsv(response, 'breakdown', breakdownCsv(answer));
    else response.json(answer);
  });

  router.get('/percentiles', async (request, response) => {
    const query = readParameters(percentilesParameters, request);
    const about = readPopulation(query, context.now());
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askPercentiles(reader, about, query.points);
    });
    if (query.format === 'csv') sendCsv(response, 'percentiles', percentilesCsv(answer));
    else response.json(answer);
  });

  router.get('/traces', async (request, response) => {
    const query = readParameters(tracesParameters, request);
    const about = readPopulation(query, context.now());
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askTraces(reader, about, query.sort, query.limit);
    });
    if (query.format === 'csv') sendCsv(response, 'traces', tracesCsv(answer));
    else response.json(answer);
  });

  router.get('/traces/:traceId', async (request, response) => {
    readParameters(noParameters, request);
    const traceId = readTraceId(request);
    const answer = await asking(request, response, (reader) => askTrace(reader, traceId));
    if (!answer) {
      const why = 'It may not have arrived yet (a second or two), or be older than what is kept';
      throw new ServiceError('not_found', `There is no trace ${traceId}. ${why}.`, { parameter: 'traceId' });
    }
    response.json(answer);
  });

  router.get('/traces/:traceId/logs', async (request, response) => {
    readParameters(noParameters, request);
    const traceId = readTraceId(request);
    response.json(await asking(request, response, (reader) => askLogs(reader, traceId)));
  });

  router.get('/attributes', async (request, response) => {
    const query = readParameters(attributeKeysParameters, request);
    response.json(await asking(request, response, (reader) => askAttributeKeys(reader, query.prefix, query.limit)));
  });

  router.get('/attributes/:key/values', async (request, response) => {
    const query = readParameters(attributeValuesParameters, request);
    const field = readField('key', request.params['key']);
    if (field.type === 'field' && (field.name === 'duration' || field.name === 'start')) {
      response.json([]);
      return;
    }
    // Without a range: everything that is stored. Without a scope: entry spans first, for they are asked of most.
    const range = { ...query, from: query.from ?? 0, scope: query.scope ?? ('roots' as const) };
    const about = readPopulation(range, context.now());
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      const values = await askAttributeValues(reader, about, field, query.prefix, query.limit);
      if (values.length > 0 || query.scope !== undefined) return values;
      return askAttributeValues(reader, { ...about, scope: 'spans' }, field, query.prefix, query.limit);
    });
    response.json(answer);
  });

  router.get('/service-map', async (request, response) => {
    const query = readParameters(serviceMapParameters, request);
    const about = readPopulation({ ...query, scope: 'spans' }, context.now());
    const answer = await asking(request, response, async (reader) => {
      await checkPatterns(reader, 'filter', about.filter);
      return askServiceMap(reader, about);
    });
    response.json(answer);
  });

  router.get('/markers', async (request, response) => {
    const query = readParameters(markersParameters, request);
    const { fromMs, toMs } = readPopulation({ ...query, filter: '', scope: 'roots' }, context.now());
    response.json(await askingAside(request, response, (reader) => listMarkers(reader, fromMs, toMs)));
  });

  router.get('/releases', async (request, response) => {
    const query = readParameters(releasesParameters, request);
    const to = query.to ?? context.now();
    const range = { from: query.from ?? Math.max(0, to - releasesRangeMs), to, filter: '', scope: 'spans' as const };
    const { fromMs, toMs } = readPopulation(range, context.now());
    response.json(await asking(request, response, (reader) => askReleases(reader, fromMs, toMs)));
  });

  router.get('/slo', async (request, response) => {
    readParameters(noParameters, request);
    const answer = await asking(request, response, async (reader) => {
      const stands = [];
      for (const objective of context.objectives) {
        const alerts = context.firingOf(objective);
        stands.push({ ...(await askSlo(reader, objective, context.now())), alerts });
      }
      return stands;
    });
    response.json(answer);
  });

  router.get('/status', async (request, response) => {
    readParameters(noParameters, request);
    response.json(await askingAside(request, response, ({ signal }) => context.parts.status(signal)));
  });

  refuseOtherMethods(router);
  return router;
}
