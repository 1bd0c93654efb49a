import { useEffect, useMemo, useState } from 'preact/hooks';
import { type LogRecord, logRecordsSchema, type Trace, traceSchema } from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { downloads } from '../shell/download.ts';
import { DownloadButton } from '../shell/download-button.tsx';
import { Failed, Loading } from '../shell/states.tsx';
import { exactDuration, formatDuration } from '../format/duration.ts';
import { formatCount, plural } from '../format/number.ts';
import { formatMoment, isoNano } from '../format/time.ts';
import { addressOf, afresh, follow, go, state } from '../state/location.ts';
import { criticalPath, heaviest, ownTimes } from './critical-path.ts';
import { buildTrace, type TraceModel } from './model.ts';
import { Details } from './details.tsx';
import { Waterfall } from './waterfall.tsx';

const againMs = 2000;
/** Spans of one trace arrive from several processes within seconds; until then a trace is asked for again. */
const settledMs = 15_000;

export function TracePage({ traceId }: { traceId: string }) {
  const [asked, setAsked] = useState(0);
  const path = `traces/${encodeURIComponent(traceId)}`;
  const isId = /^[0-9a-f]{32}$/i.test(traceId);
  const answer = useAnswer(traceSchema, isId ? apiPath(path, {}) : null, asked);
  const logs = useAnswer(logRecordsSchema, isId ? apiPath(`${path}/logs`, {}) : null, asked);
  const model = useMemo(() => (answer.data === null ? null : buildTrace(answer.data)), [answer.data]);
  const waiting = answer.failure?.status === 404 || answer.failure?.status === 0;
  const ageMs =
    model === null ? 0 : Date.now() - Number((model.startNs + BigInt(Math.round(model.durationNs))) / 1_000_000n);
  useEffect(() => {
    if (!isId || answer.loading || (!waiting && ageMs > settledMs) || (waiting && asked > 60)) return undefined;
    const timer = setTimeout(() => setAsked(asked + 1), againMs);
    return () => clearTimeout(timer);
  }, [answer, waiting, asked]);
  if (model !== null && model.nodes.length > 0)
    return <TraceView model={model} trace={answer.data} logs={logs.data ?? []} />;
  return (
    <main class="trace-page panel">
      <BackLink />
      {!isId ? (
        <NoId text={traceId} />
      ) : answer.failure?.status === 404 ? (
        <NotThere traceId={traceId} />
      ) : answer.failure !== null ? (
        <Failed failure={answer.failure} />
      ) : (
        <Loading what="Opening the trace" />
      )}
    </main>
  );
}

function NoId({ text }: { text: string }) {
  const traces = { ...afresh(), view: 'traces' as const };
  return (
    <div class="state failed" role="alert">
      <h2>This is not a trace id</h2>
      <p>
        <code>{text}</code>
      </p>
      <p>
        A trace id is 32 digits of 0–9 and a–f, such as <code>4bf92f3577b34da6a3ce929d0e0e4736</code>. Was it copied
        whole?
      </p>
      <p class="row">
        <a class="button" href={addressOf(traces)} onClick={(event) => follow(event, traces)}>
          Look at the newest traces
        </a>
      </p>
    </div>
  );
}

function NotThere({ traceId }: { traceId: string }) {
  return (
    <div class="state" role="status">
      <h2>No span of this trace is stored</h2>
      <p>
        <code>{traceId}</code>
      </p>
      <p>
        If it has only just happened, its spans are still on their way: this page looks again every two seconds. If it
        is old, it has been deleted to keep the store within its limits of age and size.
      </p>
    </div>
  );
}

function BackLink() {
  const home = { traceId: null, spanId: null, find: '' };
  return (
    <a class="back" href={addressOf(home)} onClick={(event) => follow(event, home)}>
      <span aria-hidden="true">←</span> {state.value.view === 'traces' ? 'Traces' : 'Explore'}
    </a>
  );
}

function TraceView({ model, trace, logs }: { model: TraceModel; trace: Trace | null; logs: LogRecord[] }) {
  const main = mainRoot(model);
  const path = useMemo(() => criticalPath(main), [model]);
  const own = useMemo(() => ownTimes(path), [path]);
  const { spanId } = state.value;
  useEffect(() => {
    document.title = `${main.span.name} ${formatDuration(model.durationNs / 1e6)} · Observatory`;
  }, [model]);
  const selected = (spanId === null ? undefined : model.byKey.get(spanId)) ?? heaviest(path) ?? main;
  return (
    <main class="trace-page">
      <header class="panel trace-head">
        <BackLink />
        <h1 title={`${main.span.service} ${main.span.name}`}>
          <i class="swatch" style={{ background: model.colourOf(main.span.service) }} /> {main.span.service}{' '}
          {main.span.name}
        </h1>
        <p class="figures num">
          <span title={exactDuration(model.durationNs / 1e6)}>
            <b>{formatDuration(model.durationNs / 1e6)}</b>
          </span>
          <span>{plural(model.nodes.length, 'span')}</span>
          {trace?.omitted !== undefined && trace.omitted > 0 && (
            <span title="The trace is too large to be shown whole">and {formatCount(trace.omitted)} more</span>
          )}
          <span>{plural(model.services.length, 'service')}</span>
          {model.errors > 0 && <span class="is-error">{plural(model.errors, 'error')}</span>}
          <span title={isoNano(String(model.startNs))}>{formatMoment(Number(model.startNs / 1_000_000n))}</span>
          <code>{model.traceId}</code>
          <DownloadButton what="the trace" files={() => traceFiles(model, trace)} />
        </p>
      </header>
      <div class="trace-body">
        <Waterfall
          model={model}
          path={path}
          selected={selected}
          onSelect={(node, how) => go({ spanId: node.key }, how)}
        />
        <Details key={selected.key} node={selected} model={model} own={own.get(selected) ?? 0} logs={logs} />
      </div>
    </main>
  );
}

/** The root that the trace is about: a true root before one whose parent is missing, the longest of these. */
function mainRoot(model: TraceModel): TraceModel['nodes'][number] {
  const [first] = model.roots.toSorted(
    (a, b) => Number(a.orphan) - Number(b.orphan) || b.end - b.start - (a.end - a.start),
  );
  if (first === undefined) throw new Error('A trace with spans has a root');
  return first;
}

function traceFiles(model: TraceModel, trace: Trace | null) {
  return downloads(`trace-${model.traceId}`, trace, () => ({
    columns: [
      'span_id',
      'parent_span_id',
      'service',
      'name',
      'kind',
      'status',
      'start_unix_ns',
      'duration_ns',
      'attributes',
    ],
    rows: model.nodes.map(({ span }) => [
      span.spanId,
      span.parentSpanId,
      span.service,
      span.name,
      span.kind,
      span.status,
      span.startNs,
      span.durationNs,
      JSON.stringify(span.attributes),
    ]),
  }));
}
