import { type TraceRow, traceRowsSchema } from '../../contract/contract.ts';
import { useAnswer } from '../api/use-answer.ts';
import { describeBox } from '../compare/describe-box.ts';
import { valueActions } from '../shell/actions.ts';
import { downloads } from '../shell/download.ts';
import { openMenu } from '../shell/menu.tsx';
import { DownloadButton } from '../shell/download-button.tsx';
import { Failed, failureInPlaceOf, Loading } from '../shell/states.tsx';
import { exactDuration, formatDuration } from '../format/duration.ts';
import { formatCount } from '../format/number.ts';
import { serviceColour } from '../format/service-colour.ts';
import { formatNanoClock, formatSince } from '../format/time.ts';
import { conditionOf } from '../state/conditions.ts';
import { hover } from '../state/hovered.ts';
import { range, tick } from '../state/clock.ts';
import { addressOf, follow, go, state } from '../state/location.ts';
import { tracesPath } from '../state/api-paths.ts';
import type { Order, State } from '../state/url-state.ts';

/** How many characters of a value the API answers. */
const longestValue = 1000;

/** Single traces: the newest or the slowest of what is asked for, or of the selection. */
export function Traces() {
  const now = state.value;
  const answer = useAnswer(traceRowsSchema, tracesPath(now, range.value, now.box), tick.value);
  const rows = answer.data;
  const failure = failureInPlaceOf(answer);
  return (
    <div class="traces" aria-busy={answer.loading}>
      <div class="bar">
        <span class="switch" role="group" aria-label="Order">
          {(['newest', 'slowest'] satisfies Order[]).map((order) => (
            <button type="button" key={order} aria-pressed={now.order === order} onClick={() => go({ order })}>
              {order === 'newest' ? 'Newest' : 'Slowest'}
            </button>
          ))}
        </span>
        {now.box !== null && (
          <span>
            <b class="selection-text">Selection</b>: those {describeBox(now.box)}
          </span>
        )}
        <span class="grow" />
        {rows !== null && <DownloadButton what="the list" files={() => traceFiles(rows)} />}
      </div>
      {failure !== null ? (
        <Failed failure={failure} filter={now.filter} />
      ) : rows === null ? (
        <Loading what="Listing traces" />
      ) : rows.length === 0 ? (
        <p class="state">No trace here. Choose a longer time range or another selection.</p>
      ) : (
        <TraceTable rows={rows} />
      )}
    </div>
  );
}

function TraceTable({ rows }: { rows: TraceRow[] }) {
  const slowest = Math.max(...rows.map((row) => row.durationMs));
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row.highlights)))].slice(0, 4);
  return (
    <div class="scroll-x">
      <table class="table num">
        <thead>
          <tr>
            <th scope="col" class="text">
              Time
            </th>
            <th scope="col">Duration</th>
            <th scope="col">Spans</th>
            <th scope="col" class="text wide">
              Span
            </th>
            {keys.map((key) => (
              <th key={key} scope="col" class="text">
                {key}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.spanId} row={row} keys={keys} slowest={slowest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, keys, slowest }: { row: TraceRow; keys: string[]; slowest: number }) {
  const opened: Partial<State> = {
    traceId: row.traceId,
    spanId: state.value.scope === 'spans' ? row.spanId : null,
    find: '',
  };
  return (
    <tr onClick={(event) => follow(event, opened)}>
      <td class="text" title={formatNanoClock(row.startNs)}>
        {formatSince(Number(BigInt(row.startNs) / 1_000_000n), Date.now())}
      </td>
      <td
        title={exactDuration(row.durationMs)}
        data-sorted="true"
        style={{ '--share': `${(100 * row.durationMs) / slowest}%` }}
      >
        {formatDuration(row.durationMs)}
      </td>
      <td>{formatCount(row.spans)}</td>
      <th scope="row" class="text wide" title={`${row.service} ${row.name}`}>
        <span class="clip-2">
          <i class="swatch" style={{ background: serviceColour(row.service) }} />{' '}
          <a
            href={addressOf(opened)}
            onClick={(event) => {
              event.stopPropagation();
              follow(event, opened);
            }}
          >
            {row.service} {row.name}
          </a>
          {row.error && <b class="is-error"> error</b>}
        </span>
      </th>
      {keys.map((key) => (
        <td key={key} class="text">
          <Highlight name={key} value={row.highlights[key]} />
        </td>
      ))}
    </tr>
  );
}

function Highlight({ name, value }: { name: string; value: string | undefined }) {
  if (value === undefined) return null;
  const text = (
    <span class="clip" title={value}>
      {value}
    </span>
  );
  // The API cuts a longer value, and a filter on the cut text would select nothing.
  if (value.length >= longestValue) return text;
  const filter = conditionOf(name, value);
  return (
    <button
      type="button"
      class="plain"
      aria-haspopup="menu"
      onPointerEnter={() => hover(filter)}
      onPointerLeave={() => hover('')}
      onFocus={() => hover(filter)}
      onBlur={() => hover('')}
      onClick={(event) => {
        event.stopPropagation();
        openMenu(event.currentTarget, value, valueActions([name], filter));
      }}
    >
      {text}
    </button>
  );
}

function traceFiles(rows: TraceRow[]) {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row.highlights)))];
  return downloads('traces', rows, () => ({
    columns: ['trace_id', 'start_unix_ns', 'service', 'name', 'duration_ms', 'error', 'spans', ...keys],
    rows: rows.map((row) => [
      row.traceId,
      row.startNs,
      row.service,
      row.name,
      row.durationMs,
      row.error ? 'true' : 'false',
      row.spans,
      ...keys.map((key) => row.highlights[key] ?? null),
    ]),
  }));
}
