/** What an agent can ask of the Observatory: nine read-only tools over its API, with short answers. */
import { type Ask, type Parameters, QuestionError } from '@hotrod/kit/observatory-api';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

import type {
  AttributeKey,
  AttributeValueCount,
  Breakdown,
  Compare,
  Exemplar,
  Heatmap,
  LogRecord,
  Marker,
  ServiceMap,
  SloStatus,
  Trace,
  TraceRow,
} from '../contract/contract.ts';
import {
  duration,
  describeBreakdown,
  describeCompare,
  describeHeatmap,
  describeLogs,
  describeMarkers,
  describeObjectives,
  describeTrace,
  describeTraces,
} from './answers.ts';

const defaultMinutes = 10;
const maxMinutes = 7 * 24 * 60;
/** How many log records of a trace, and how many values of an attribute, are answered. */
const maxLogs = 20;
const maxValues = 20;
const maxKeys = 60;

const timeRange = {
  minutes: z.number().positive().max(maxMinutes).default(defaultMinutes).describe('how far back from until, minutes'),
  until: z.iso.datetime({ offset: true }).optional().describe('end of the time range, ISO 8601; default: now'),
};
const population = {
  ...timeRange,
  filter: z
    .string()
    .max(2_000)
    .optional()
    .describe('for example: hotrod.customer.name = "Value Walking" and duration > 2s'),
  scope: z
    .enum(['roots', 'spans'])
    .default('roots')
    .describe('roots: the entry span of each trace (requests); spans: every span, for example SQL'),
};
const durationBox = {
  min_ms: z.number().nonnegative().optional().describe('lower bound of the duration, milliseconds'),
  max_ms: z.number().nonnegative().optional().describe('upper bound of the duration, milliseconds'),
};
const traceId = z.string().regex(/^[0-9a-f]{32}$/i, 'a trace id is 32 hexadecimal digits');

const instructions = `The Observatory holds the telemetry (traces, logs, deploy markers, objectives) of a running system.
To find out why some requests are slow: heatmap shows the distribution of durations and where a slow band begins;
compare tells which attributes the slow requests have and others do not; trace shows where one of them spent its time,
with SQL statements. breakdown checks a suspicion by groups. Every tool only reads.`;

/** The part of a question that every tool shares, as the API's parameters. */
function range(input: { minutes: number; until?: string | undefined }): { from: number; to: number } {
  const to = input.until === undefined ? Date.now() : Date.parse(input.until);
  return { from: Math.round(to - input.minutes * 60_000), to };
}

function about(input: { minutes: number; until?: string | undefined; filter?: string | undefined; scope: string }) {
  return { ...range(input), filter: input.filter, scope: input.scope } satisfies Parameters;
}

/**
 * An MCP server whose tools ask the Observatory.
 *
 * @param ask how a question gets there.
 * @param version of this program, told to clients.
 */
export function createTools(ask: Ask, version: string): McpServer {
  const server = new McpServer({ name: 'hotrod-observatory', version }, { instructions });

  /** Registers a tool that answers with text; what the Observatory refuses becomes the tool's error, for the agent to mend. */
  function tool<Shape extends z.ZodRawShape>(
    name: string,
    description: string,
    shape: Shape,
    answer: (input: z.infer<z.ZodObject<Shape>>) => Promise<string>,
  ): void {
    server.registerTool(
      name,
      { description, inputSchema: z.strictObject(shape), annotations: { readOnlyHint: true, openWorldHint: false } },
      async (input) => {
        try {
          const text = await answer(input);
          return { content: [{ type: 'text', text }] };
        } catch (error) {
          if (!(error instanceof QuestionError)) throw error;
          return { content: [{ type: 'text', text: error.message }], isError: true };
        }
      },
    );
  }

  tool('heatmap', 'How durations are distributed, and where a band of slow spans begins.', population, async (input) =>
    describeHeatmap(await ask<Heatmap>('/api/heatmap', { ...about(input), columns: 12, rows: 20 })),
  );

  tool(
    'compare',
    'What is different about the spans in a range of durations, against all others of the same time and filter.',
    { ...population, ...durationBox },
    async (input) =>
      describeCompare(
        await ask<Compare>('/api/compare', { ...about(input), minMs: input.min_ms, maxMs: input.max_ms, limit: 40 }),
      ),
  );

  tool(
    'breakdown',
    'Group by one or two attributes: count, errors, p50, p95, max of each group.',
    {
      ...population,
      by: z
        .array(z.string().min(1).max(200))
        .min(1)
        .max(2)
        .describe('attribute keys, for example hotrod.customer.name'),
      sort: z.enum(['count', 'errorRate', 'p50', 'p95', 'p99', 'max']).default('p95'),
      limit: z.number().int().min(1).max(50).default(10),
    },
    async (input) =>
      describeBreakdown(
        await ask<Breakdown>('/api/breakdown', {
          ...about(input),
          by: input.by,
          sort: input.sort,
          limit: input.limit,
        }),
      ),
  );

  tool(
    'traces',
    'A list of requests, newest or slowest first, with their trace ids.',
    {
      ...population,
      sort: z.enum(['newest', 'slowest']).default('slowest'),
      limit: z.number().int().min(1).max(50).default(5),
    },
    async (input) => {
      const parameters = { ...about(input), sort: input.sort, limit: input.limit };
      return describeTraces(await ask<TraceRow[]>('/api/traces', parameters));
    },
  );

  tool(
    'trace',
    'One trace: where its time went, its spans, SQL statements and errors. Without trace_id: the typical one of a range of durations.',
    { ...population, ...durationBox, trace_id: traceId.optional() },
    async (input) => {
      const id =
        input.trace_id ??
        (await ask<Exemplar>('/api/exemplar', { ...about(input), minMs: input.min_ms, maxMs: input.max_ms })).traceId;
      return describeTrace(await ask<Trace>(`/api/traces/${id}`));
    },
  );

  tool('logs', 'The log records of a trace, in order of time.', { trace_id: traceId }, async (input) =>
    describeLogs(await ask<LogRecord[]>(`/api/traces/${input.trace_id}/logs`), maxLogs),
  );

  tool(
    'attributes',
    'Keys that can be filtered and grouped by; with key: its most frequent values.',
    { key: z.string().min(1).max(200).optional(), prefix: z.string().max(200).optional() },
    async ({ key, prefix }) => {
      if (key === undefined) {
        const keys = await ask<AttributeKey[]>('/api/attributes', { prefix });
        const told = keys.slice(0, maxKeys).map((each) => each.key);
        const more = keys.length - told.length;
        return `${told.join(', ')}${more > 0 ? `, and ${more} more: give a prefix` : ''}` || 'No key begins with that.';
      }
      const values = await ask<AttributeValueCount[]>(`/api/attributes/${encodeURIComponent(key)}/values`, { prefix });
      return (
        values
          .slice(0, maxValues)
          .map(({ value, spans }) => `${value} (${spans})`)
          .join('\n') || 'No span has that attribute.'
      );
    },
  );

  tool('service_map', 'Which service calls which, with rates, error rates and p95.', timeRange, async (input) => {
    const { edges } = await ask<ServiceMap>('/api/service-map', range(input));
    return (
      edges
        .map(
          ({ from, to, kind, ratePerSecond, errorRate, p95Ms }) =>
            `${from} ${kind === 'link' ? '⇢ (messages, by span links)' : '→'} ${to}: ${ratePerSecond.toFixed(1)}/s, ${(100 * errorRate).toFixed(1)} % failed, p95 ${duration(p95Ms)}`,
        )
        .join('\n') || 'There were no calls in this time.'
    );
  });

  tool('markers', 'Deploys and other events in a time range, with links.', timeRange, async (input) =>
    describeMarkers(await ask<Marker[]>('/api/markers', range(input))),
  );

  tool('slo', 'Service level objectives: attained, budget left, burn rate.', {}, async () =>
    describeObjectives(await ask<SloStatus[]>('/api/slo')),
  );

  return server;
}
