import { createAsk, type Parameters, QuestionError } from '@hotrod/kit/observatory-api';
import { z } from 'zod';

/** What the demo asks the Observatory, over the same API that its page uses. */
export interface Observatory {
  url: string;
  /** Dispatches by how long they took. */
  durations(range: Range, filter?: string): Promise<Durations>;
  /** What is different about dispatches that took at least `minMs`: the attribute that tells most, and its values. */
  compare(range: Range, minMs: number): Promise<Difference | null>;
  /** The slowest SQL statement of one of those dispatches. */
  statement(range: Range, minMs: number): Promise<Statement | null>;
  markers(range: Range): Promise<Marker[]>;
  /** The page with a box drawn over the slow band. */
  link(range: Range, filter: string, minMs?: number): string;
}

/** Unix milliseconds. */
export interface Range {
  fromMs: number;
  toMs: number;
}
export interface Durations {
  count: number;
  errors: number;
  p50Ms: number;
  p95Ms: number;
}
export interface Difference {
  attribute: string;
  /** The values that explain the box: how often they occur in it, and how often elsewhere. */
  values: { value: string; filter: string; selected: number; baseline: number }[];
  selected: number;
}
interface Statement {
  traceUrl: string;
  text: string;
  durationMs: number;
  dispatchMs: number;
}
interface Marker {
  message: string;
  url: string | null;
  startMs: number;
  endMs: number | null;
}

/** The root spans of dispatches. */
export const dispatches = 'service = "frontend" and http.route = "/dispatch"';

const breakdown = z.object({
  groups: z.array(
    z.object({ count: z.number(), errors: z.number(), p50Ms: z.number().nullable(), p95Ms: z.number().nullable() }),
  ),
});
const comparison = z.object({
  selected: z.number(),
  attributes: z.array(
    z.object({
      key: z.string(),
      kind: z.string(),
      significant: z.boolean(),
      values: z.array(
        z.object({
          value: z.string().nullable(),
          filter: z.string().optional(),
          selected: z.number(),
          baseline: z.number(),
          evidence: z.number().nullable(),
        }),
      ),
    }),
  ),
});
const exemplar = z.object({ traceId: z.string(), durationMs: z.number() });
const trace = z.object({
  spans: z.array(z.object({ durationNs: z.string(), attributes: z.record(z.string(), z.unknown()) })),
});
const markerList = z.array(
  z.object({ message: z.string(), url: z.string().nullable(), startMs: z.number(), endMs: z.number().nullable() }),
);

/** A value with less than this share of the strongest value's evidence counts as chance. */
const clearShare = 0.25;

export function createObservatory(url: string): Observatory {
  const askApi = createAsk(url);
  /** Null when there is nothing of the kind in the range. */
  async function ask<T>(path: string, parameters: Parameters, schema: z.ZodType<T>): Promise<T | null> {
    try {
      return schema.parse(await askApi(`/api/${path}`, parameters));
    } catch (error) {
      if (error instanceof QuestionError && error.status === 404) return null;
      throw error;
    }
  }
  const of = ({ fromMs, toMs }: Range) => ({
    from: String(Math.floor(fromMs)),
    to: String(Math.max(Math.ceil(toMs), Math.floor(fromMs) + 1)),
  });

  return {
    url,
    async durations(range, filter) {
      const whole = filter === undefined ? dispatches : `${dispatches} and ${filter}`;
      const answer = await ask('breakdown', { ...of(range), filter: whole, by: 'service' }, breakdown);
      const [group] = answer?.groups ?? [];
      return {
        count: group?.count ?? 0,
        errors: group?.errors ?? 0,
        p50Ms: group?.p50Ms ?? 0,
        p95Ms: group?.p95Ms ?? 0,
      };
    },
    async compare(range, minMs) {
      const answer = await ask('compare', { ...of(range), filter: dispatches, minMs: String(minMs) }, comparison);
      const first = answer?.attributes.find(({ kind, significant }) => significant && kind === 'categories');
      if (!answer || !first) return null;
      const most = Math.max(...first.values.map(({ evidence }) => evidence ?? 0));
      const values = first.values.flatMap(({ value, filter, selected, baseline, evidence }) =>
        value !== null && filter !== undefined && evidence !== null && evidence > 0 && evidence >= most * clearShare
          ? [{ value, filter, selected, baseline }]
          : [],
      );
      return { attribute: first.key, values, selected: answer.selected };
    },
    async statement(range, minMs) {
      const example = await ask('exemplar', { ...of(range), filter: dispatches, minMs: String(minMs) }, exemplar);
      if (!example) return null;
      const whole = await ask(`traces/${example.traceId}`, {}, trace);
      const statements = (whole?.spans ?? [])
        .filter(({ attributes }) => typeof attributes['db.query.text'] === 'string')
        .map(({ durationNs, attributes }) => ({
          durationMs: Number(durationNs) / 1e6,
          text: String(attributes['db.query.text']),
        }))
        .toSorted((a, b) => b.durationMs - a.durationMs);
      const [slowest] = statements;
      if (!slowest) return null;
      return {
        traceUrl: `${url}/trace/${example.traceId}`,
        ...slowest,
        dispatchMs: example.durationMs,
      };
    },
    async markers(range) {
      return (await ask('markers', of(range), markerList)) ?? [];
    },
    link(range, filter, minMs) {
      const { from, to } = of(range);
      const link = new URL(url);
      link.search = new URLSearchParams({
        from,
        to,
        filter,
        ...(minMs === undefined ? {} : { box: `${from},${to},${Math.round(minMs)},` }),
      }).toString();
      return link.href;
    },
  };
}
