import { useState } from 'preact/hooks';
import type { LogRecord } from '../../contract/contract.ts';
import { formatDuration } from '../format/duration.ts';
import { plural } from '../format/number.ts';
import { formatNanoClock } from '../format/time.ts';
import { go } from '../state/location.ts';
import type { TraceModel } from './model.ts';
import { FieldName } from './field-name.tsx';
import { textOf } from './text-of.ts';

/** OpenTelemetry's severity numbers: from here on it is a warning, from there an error. */
const warning = 13;
const error = 17;
const mostShown = 500;

/** What was logged in the trace, in order of time; those of the chosen span first if wanted. */
export function Logs({ logs, spanId, model }: { logs: LogRecord[]; spanId: string; model: TraceModel }) {
  const own = logs.filter((log) => log.spanId === spanId);
  const [all, setAll] = useState(own.length === 0);
  const shown = (all ? logs : own).slice(0, mostShown);
  if (logs.length === 0) return <p class="state">Nothing was logged in this trace.</p>;
  return (
    <div class="logs">
      <p class="row">
        <label class="check">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          Those of the whole trace ({plural(logs.length, 'log')})
        </label>
      </p>
      <ol>
        {shown.map((log, index) => (
          <Log key={`${log.timeNs}-${index}`} log={log} model={model} here={log.spanId === spanId} />
        ))}
      </ol>
      {shown.length === 0 && <p class="muted">This span logged nothing.</p>}
      {(all ? logs : own).length > mostShown && <p class="muted">The first {mostShown} are shown.</p>}
    </div>
  );
}

function Log({ log, model, here }: { log: LogRecord; model: TraceModel; here: boolean }) {
  const level = log.severityNumber >= error ? 'error' : log.severityNumber >= warning ? 'warning' : 'info';
  const attributes = Object.entries(log.attributes);
  const { spanId } = log;
  return (
    <li data-level={level} data-here={here}>
      <p>
        <span class="muted num" title={formatNanoClock(log.timeNs)}>
          +{formatDuration(Number(BigInt(log.timeNs) - model.startNs) / 1e6)}
        </span>{' '}
        <b class={`level-${level}`}>{log.severity}</b>{' '}
        {spanId !== null && !here && model.byKey.has(spanId) ? (
          <button type="button" class="plain" onClick={() => go({ spanId })}>
            <i class="swatch" style={{ background: model.colourOf(log.service) }} /> {log.service}
          </button>
        ) : (
          <span>
            <i class="swatch" style={{ background: model.colourOf(log.service) }} /> {log.service}
          </span>
        )}
      </p>
      <p class="body">{log.body || log.eventName}</p>
      {attributes.length > 0 && (
        <details>
          <summary class="muted">{plural(attributes.length, 'field')}</summary>
          <dl>
            {attributes.map(([key, value]) => (
              <div key={key}>
                <dt>
                  <FieldName name={key} />
                </dt>
                <dd>{textOf(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  );
}
