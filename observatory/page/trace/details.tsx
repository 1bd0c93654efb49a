import { useState } from 'preact/hooks';
import type { AttributeValue, LogRecord, SpanDetail } from '../../contract/contract.ts';
import { groupAllSpansBy, valueActions, whoGets } from '../shell/actions.ts';
import { attributeName, conditionOf } from '../state/conditions.ts';
import { openMenu, type MenuItem } from '../shell/menu.tsx';
import { notify } from '../shell/notice.tsx';
import { exactDuration, formatDuration } from '../format/duration.ts';
import { plural } from '../format/number.ts';
import { formatSql } from '../format/sql.ts';
import { formatNanoClock } from '../format/time.ts';
import { addressOf, follow, go, state } from '../state/location.ts';
import { FieldName } from './field-name.tsx';
import { Logs } from './logs.tsx';
import { isEntry, type Node, type TraceModel } from './model.ts';
import { textOf } from './text-of.ts';

interface Props {
  node: Node;
  model: TraceModel;
  /** How much of the critical path is this span's own, nanoseconds. */
  own: number;
  logs: LogRecord[];
}

/** All that is known of one span, in full. */
export function Details({ node, model, own, logs }: Props) {
  const { span } = node;
  const [tab, setTab] = useState<'span' | 'logs'>('span');
  const ofSpan = logs.filter((log) => log.spanId === span.spanId);
  return (
    <aside class="details panel" aria-label={`Span ${span.name}`}>
      <header>
        <h2 title={`${span.service} ${span.name}`}>
          <i class="swatch" style={{ background: model.colourOf(span.service) }} /> {span.service}{' '}
          <span>{span.name}</span>
        </h2>
        <Figures node={node} model={model} own={own} />
        {span.status === 'error' && (
          <p class="fault">
            <b class="is-error">Error</b> {span.statusMessage || textOf(span.attributes['error.type'] ?? '')}
          </p>
        )}
      </header>
      <div class="switch" role="group" aria-label="Of this span">
        <button type="button" aria-pressed={tab === 'span'} onClick={() => setTab('span')}>
          Fields
        </button>
        <button type="button" aria-pressed={tab === 'logs'} onClick={() => setTab('logs')}>
          Logs {ofSpan.length > 0 ? `(${ofSpan.length})` : logs.length > 0 ? `(${logs.length} of the trace)` : ''}
        </button>
      </div>
      {tab === 'logs' ? (
        <Logs logs={logs} spanId={span.spanId} model={model} />
      ) : (
        <>
          <Sql span={span} model={model} />
          <Fields title="Attributes" attributes={span.attributes} node={node} open />
          <Events span={span} />
          <Links span={span} />
          <Fields title="Resource" attributes={span.resource} node={node} />
          <Fields
            title="Identity"
            node={node}
            // By the names that filters know.
            attributes={{
              service: span.service,
              name: span.name,
              'trace.id': model.traceId,
              'span.id': span.spanId,
              'parent.id': span.parentSpanId,
              scope: span.scope,
            }}
            fields
          />
        </>
      )}
    </aside>
  );
}

function Figures({ node, model, own }: { node: Node; model: TraceModel; own: number }) {
  const { span } = node;
  const ms = Number(BigInt(span.durationNs)) / 1e6;
  return (
    <dl class="figures num">
      <Figure name="Duration" value={formatDuration(ms)} title={exactDuration(ms)} />
      <Figure name="Begins at" value={`+${formatDuration(node.start / 1e6)}`} title={formatNanoClock(span.startNs)} />
      <Figure
        name="Of the critical path"
        value={
          own === 0
            ? 'nothing'
            : `${formatDuration(own / 1e6)}, ${Math.round((100 * own) / Math.max(1, model.durationNs))} %`
        }
        title="Time for which the whole trace waited for this span itself, not for spans below it"
      />
      <Figure name="Kind" value={span.kind} />
      {node.adjusted !== 0 && (
        <Figure
          name="Clock adjusted by"
          value={formatDuration(node.adjusted / 1e6)}
          title="By its own clock it did not fit into its parent; it is drawn as if both clocks agreed"
        />
      )}
    </dl>
  );
}

function Figure({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Sql({ span, model }: { span: SpanDetail; model: TraceModel }) {
  const key = ['db.query.text', 'db.statement'].find((candidate) => typeof span.attributes[candidate] === 'string');
  const text = key === undefined ? undefined : span.attributes[key];
  if (key === undefined || typeof text !== 'string') return null;
  const all = groupAllSpansBy(key);
  const entry = model.nodes.find(isEntry) ?? model.roots[0];
  const who = text.length > longestInFilter ? null : whoGets(key, text, entry?.span.attributes ?? {});
  return (
    <section class="sql" aria-label="SQL statement">
      <h3>SQL statement</h3>
      <pre>{formatSql(text)}</pre>
      <p class="row">
        {who !== null && (
          <a class="button" href={addressOf(who)} onClick={(event) => follow(event, who)}>
            Who gets this statement
          </a>
        )}
        <a class="button" href={addressOf(all)} onClick={(event) => follow(event, all)}>
          Median duration by SQL statement
        </a>
        <CopyButton text={text} />
      </p>
    </section>
  );
}

function CopyButton({ text }: { text: string }) {
  return (
    <button type="button" onClick={() => void copy(text)}>
      Copy
    </button>
  );
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify('Copied.');
  } catch {
    notify('The browser does not allow copying here; select the text instead.');
  }
}

function Fields({
  title,
  attributes,
  node,
  open = false,
  fields = false,
}: {
  title: string;
  attributes: SpanDetail['attributes'];
  node: Node;
  open?: boolean;
  /** Whether these are fields, not attributes, which may have the same names. */
  fields?: boolean;
}) {
  const entries = Object.entries(attributes).filter(([, value]) => value !== null);
  if (entries.length === 0) return null;
  return (
    <details class="fields" open={open}>
      <summary>
        {title} <small class="muted num">{entries.length}</small>
      </summary>
      <dl>
        {entries
          .toSorted(([a], [b]) => a.localeCompare(b))
          .map(([key, value]) => (
            <Field key={key} name={key} field={fields ? key : attributeName(key)} value={value} node={node} />
          ))}
      </dl>
    </details>
  );
}

interface FieldProps {
  name: string;
  /** Its name in lists in which an attribute and a field may have the same name. */
  field: string;
  value: AttributeValue;
  node: Node;
}

function Field({ name, field, value, node }: FieldProps) {
  const menu = (anchor: Element): void => openMenu(anchor, name, fieldActions(field, value, node));
  return (
    <div>
      <dt>
        <button type="button" class="plain" aria-haspopup="menu" onClick={(event) => menu(event.currentTarget)}>
          <FieldName name={name} />
        </button>
      </dt>
      {/* The same menu for the mouse. No button: text in a button cannot be marked, and values are there to be copied. */}
      <dd onClick={(event) => window.getSelection()?.isCollapsed !== false && menu(event.currentTarget)}>
        {textOf(value)}
      </dd>
    </div>
  );
}

/** A longer value has no filter here: only the API could make one. */
const longestInFilter = 1000;

/** The menu of a span's field, with questions about it. */
function fieldActions(key: string, value: AttributeValue, node: Node): MenuItem[] {
  const now = state.peek();
  const text = textOf(value);
  const filter = conditionOf(key, text);
  // A filter on entry spans does not apply to the spans below them.
  const about = now.scope === 'spans' || isEntry(node) ? now : { filter: '', scope: 'spans' as const };
  const general: MenuItem[] = [
    { label: 'Its values over time, in all spans', run: () => go(groupAllSpansBy(key)) },
    { label: 'Copy the value', run: () => void copy(text) },
  ];
  if (text.length > longestInFilter) return general;
  return [
    ...valueActions([key], filter, about),
    ...general,
    { label: 'Copy as a filter', detail: filter, run: () => void copy(filter) },
  ];
}

function Events({ span }: { span: SpanDetail }) {
  if (span.events.length === 0) return null;
  return (
    <details class="fields" open>
      <summary>{plural(span.events.length, 'event')}</summary>
      <ol class="events">
        {span.events.map((event) => (
          <li key={event.timeNs + event.name}>
            <p>
              <b>{event.name}</b>{' '}
              <span class="muted num" title={formatNanoClock(event.timeNs)}>
                +{formatDuration(Number(BigInt(event.timeNs) - BigInt(span.startNs)) / 1e6)}
              </span>
            </p>
            <dl>
              {Object.entries(event.attributes).map(([key, value]) => (
                <div key={key}>
                  <dt>
                    <FieldName name={key} />
                  </dt>
                  <dd>{textOf(value)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Links({ span }: { span: SpanDetail }) {
  if (span.links.length === 0) return null;
  return (
    <details class="fields" open>
      <summary>{plural(span.links.length, 'link')}</summary>
      <ul class="events">
        {span.links.map((link) => {
          const to = { traceId: link.traceId, spanId: link.spanId, find: '' };
          return (
            <li key={link.traceId + link.spanId}>
              <a href={addressOf(to)} onClick={(event) => follow(event, to)}>
                <code>{link.traceId}</code>
              </a>
              {Object.entries(link.attributes).map(([key, value]) => (
                <p key={key}>
                  {key}: {textOf(value)}
                </p>
              ))}
            </li>
          );
        })}
      </ul>
    </details>
  );
}
