/**
 * The OpenAPI document, made of the contract's schemas. `node observatory/contract/openapi.ts` writes it to openapi.yaml,
 * which the API serves; a test holds the two equal.
 */
import { writeFileSync } from 'node:fs';

import { readCommandLine } from '@hotrod/kit/command-line';
import { stringify } from 'yaml';
import { z } from 'zod';
import { ZodMiniArray } from 'zod/mini';
import type { $ZodType } from 'zod/v4/core';

import * as contract from './contract.ts';
import * as parameters from './parameters.ts';

type Json = Record<string, unknown>;

/** Names of the schemas that the document describes once, under `components`. */
const named = z.registry<{ id: string }>();
const components: Record<string, $ZodType> = {
  Measure: contract.measureSchema,
  Attributes: contract.attributesSchema,
  Heatmap: contract.heatmapSchema,
  Exemplar: contract.exemplarSchema,
  Compare: contract.compareSchema,
  CompareAttribute: contract.compareAttributeSchema,
  CompareValue: contract.compareValueSchema,
  Breakdown: contract.breakdownSchema,
  BreakdownGroup: contract.breakdownGroupSchema,
  Percentiles: contract.percentilesSchema,
  TraceRow: contract.traceRowSchema,
  Trace: contract.traceSchema,
  SpanDetail: contract.spanDetailSchema,
  LogRecord: contract.logRecordSchema,
  AttributeKey: contract.attributeKeySchema,
  AttributeValueCount: contract.attributeValueCountSchema,
  ServiceMap: contract.serviceMapSchema,
  Marker: contract.markerSchema,
  HoneycombMarker: contract.honeycombMarkerSchema,
  Release: contract.releaseSchema,
  ReleaseFigures: contract.releaseFiguresSchema,
  ReleaseVerdict: contract.releaseVerdictSchema,
  SloStatus: contract.sloStatusSchema,
  Status: contract.statusSchema,
  Problem: contract.problemSchema,
};
for (const [id, schema] of Object.entries(components)) named.add(schema, { id });

const toJson: z.core.ToJSONSchemaParams = {
  unrepresentable: ({ zodSchema }) => contract.jsonSchemas.get(zodSchema),
  // The bounds of JavaScript's safe integers are of no use to a reader.
  override: ({ jsonSchema }) => {
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
};

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(named, { ...toJson, uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _address, ...schema }]) => [name, schema]),
  );
}

/** A schema in its place in the document: a reference if it, or the type of its items, has a name. */
function schemaOf(schema: $ZodType): Json {
  const name = named.get(schema)?.id;
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  if (schema instanceof ZodMiniArray) return { type: 'array', items: schemaOf(schema.def.element) };
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { ...toJson, io: 'output' });
  return json;
}

/** The parameters of a query, as they come: those with a default need not be given. */
function queryParameters(schema: z.ZodObject): Json[] {
  return Object.entries(schema.shape).map(([name, parameter]) => {
    const { description, ...json } = schemaOf(parameter);
    const required = !parameter.safeParse(undefined).success;
    return {
      name,
      in: 'query',
      ...(required ? { required } : {}),
      ...(description === undefined ? {} : { description }),
      schema: json.default === '' ? withoutDefault(json) : json,
    };
  });
}

/** A text that is empty by default is one that need not be given. */
const withoutDefault = ({ default: _default, ...rest }: Json): Json => rest;

const problem = { $ref: '#/components/responses/Problem' };
const json = (schema: $ZodType): Json => ({ 'application/json': { schema: schemaOf(schema) } });
const csv: Json = { 'text/csv': { schema: { type: 'string' } } };

/** A question under `/api`. Its answer comes as CSV, too, if it takes the parameter `format`. */
function question(summary: string, query: z.ZodObject, answer: $ZodType, description: string, path: Json[] = []): Json {
  const all = [...path, ...queryParameters(query)];
  return {
    get: {
      summary,
      ...(all.length === 0 ? {} : { parameters: all }),
      responses: {
        '200': { description, content: { ...json(answer), ...('format' in query.shape ? csv : {}) } },
        default: problem,
      },
    },
  };
}

const pathParameter = (name: string, schema: Json): Json => ({ name, in: 'path', required: true, schema });
const traceId = pathParameter('traceId', { type: 'string', pattern: '^[0-9a-fA-F]{32}$' });
const dataset = pathParameter('dataset', { type: 'string', maxLength: 128 });
const team = {
  name: 'X-Honeycomb-Team',
  in: 'header',
  description: 'The key; needed only where one is configured.',
  schema: { type: 'string' },
};
const requestBody = { required: true, content: json(parameters.markerBody) };
const markerAnswer = (description: string): Json => ({ description, content: json(contract.honeycombMarkerSchema) });

const paths: Json = {
  '/api/heatmap': question(
    'Spans by start and duration; only cells that hold something.',
    parameters.heatmapParameters,
    contract.heatmapSchema,
    'The heatmap.',
  ),
  '/api/exemplar': question(
    'The span whose duration is the median of those in a cell or box.',
    parameters.exemplarParameters,
    contract.exemplarSchema,
    'The span.',
  ),
  '/api/compare': question(
    'What is different about the spans in a box, against all others of the population.',
    parameters.compareParameters,
    contract.compareSchema,
    'Attributes, those that explain most first.',
  ),
  '/api/breakdown': question(
    'Count, errors and latency by one or two attributes.',
    parameters.breakdownParameters,
    contract.breakdownSchema,
    'The groups.',
  ),
  '/api/percentiles': question(
    'Count, errors and latency over time.',
    parameters.percentilesParameters,
    contract.percentilesSchema,
    'One value a step in each list.',
  ),
  '/api/traces': question(
    'Spans of the population, one row each.',
    parameters.tracesParameters,
    contract.traceRowsSchema,
    'The rows.',
  ),
  '/api/traces/{traceId}': question(
    'Every span of a trace, with everything that was sent of it.',
    parameters.noParameters,
    contract.traceSchema,
    'The trace.',
    [traceId],
  ),
  '/api/traces/{traceId}/logs': question(
    'The log records of a trace, in order of time.',
    parameters.noParameters,
    contract.logRecordsSchema,
    'The records; none for a trace without logs.',
    [traceId],
  ),
  '/api/attributes': question(
    'Keys for completion; what every span has, then attributes by frequency.',
    parameters.attributeKeysParameters,
    contract.attributeKeysSchema,
    'The keys.',
  ),
  '/api/attributes/{key}/values': question(
    'Values of an attribute by frequency, for completion.',
    parameters.attributeValuesParameters,
    contract.attributeValueCountsSchema,
    'The values.',
    [pathParameter('key', { type: 'string' })],
  ),
  '/api/service-map': question(
    'Who calls whom, over all spans of the time range that pass the filter.',
    parameters.serviceMapParameters,
    contract.serviceMapSchema,
    'Services, databases and the calls between them.',
  ),
  '/api/markers': question(
    'Deploys and the like that overlap the time range, of every dataset.',
    parameters.markersParameters,
    contract.markersSchema,
    'The markers, in order of start.',
  ),
  '/api/releases': question(
    'The releases of each service, by `service.version`: what each served, how it began and how the one before ended, and the verdict of `release verify`.',
    parameters.releasesParameters,
    contract.releasesSchema,
    'The releases, the latest first.',
  ),
  '/api/slo': question(
    'How the configured objectives stand.',
    parameters.noParameters,
    contract.sloStatusesSchema,
    'One status an objective.',
  ),
  '/api/status': question(
    'What the Observatory knows of itself.',
    parameters.noParameters,
    contract.statusSchema,
    'The status.',
  ),
  '/api/openapi.yaml': {
    get: {
      summary: 'This document.',
      responses: {
        '200': { description: 'This document.', content: { 'application/yaml': { schema: { type: 'string' } } } },
      },
    },
  },
  '/1/markers/{dataset}': {
    parameters: [dataset, team],
    get: {
      summary: 'The markers of a dataset, in the words of the Honeycomb API.',
      responses: {
        '200': { description: 'The markers.', content: json(contract.honeycombMarkersSchema) },
        default: problem,
      },
    },
    post: {
      summary: 'Sets a marker. A start that is not given is now.',
      requestBody,
      responses: { '201': markerAnswer('The new marker.'), default: problem },
    },
  },
  '/1/markers/{dataset}/{id}': {
    parameters: [dataset, pathParameter('id', { type: 'string' }), team],
    put: {
      summary:
        'Replaces what a marker says; what is not given is erased. A start that is not given is when it was made.',
      requestBody,
      responses: { '200': markerAnswer('The marker.'), default: problem },
    },
    delete: {
      summary: 'Removes a marker.',
      responses: { '200': markerAnswer('What it was.'), default: problem },
    },
  },
};

/** The document as YAML. */
export function openApiYaml(): string {
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'The Observatory',
      version: '0.1.0',
      description:
        'Questions about stored telemetry. Instants of a question are Unix milliseconds, durations of results milliseconds; instants of single spans and logs are Unix nanoseconds as decimal strings. Ratios are 0 to 1. Every refusal is a problem document (RFC 9457).',
    },
    paths,
    components: {
      responses: {
        Problem: {
          description: 'Why there is no answer.',
          content: { 'application/problem+json': { schema: schemaOf(contract.problemSchema) } },
        },
      },
      schemas: componentSchemas(),
    },
  };
  const note = '# Made by `node observatory/contract/openapi.ts` of the schemas beside it. Do not edit.\n';
  return note + stringify(document, { aliasDuplicateObjects: false, lineWidth: 120 });
}

if (import.meta.main) {
  readCommandLine('openapi', { help: 'Makes openapi.yaml of the schemas beside it. It takes no options.' });
  writeFileSync(new URL('./openapi.yaml', import.meta.url), openApiYaml());
}
