/** What is shown in the place of data: still loading, nothing there, refused, not reached. Each says what to do. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Failure } from '../api/client.ts';
import type { Answer } from '../api/use-answer.ts';
import { go, state } from '../state/location.ts';
import { defaultState } from '../state/url-state.ts';
import { otlpGrpcPort, otlpPort } from './status.tsx';

export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <p class="state loading" role="status">
      {what}…
    </p>
  );
}

/**
 * The failure to show in the place of an answer, if any. While the Observatory does not answer, the last that it said
 * stays; the line above the page says that it is old.
 */
export function failureInPlaceOf(answer: Answer<unknown>): Failure | null {
  return answer.failure?.status === 0 && answer.data !== null ? null : answer.failure;
}

/** @param filter the filter's text, to show the place of the error in it. */
export function Failed({ failure, filter }: { failure: Failure; filter?: string }) {
  if (failure.status === 0) return <Unreachable detail={failure.detail} />;
  const inFilter = failure.position !== null && failure.parameter !== 'by' && filter !== undefined && filter !== '';
  return (
    <div class="state failed" role="alert">
      <h2>{inFilter ? 'This filter cannot be read' : failure.title}</h2>
      <p>{failure.detail}</p>
      {inFilter && <Underlined text={filter} position={failure.position ?? 0} />}
      {inFilter && <FilterHint />}
      {failure.status >= 500 && (
        <p class="row">
          <button type="button" onClick={() => window.location.reload()}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

/** How filters are written. @param meant the condition that was probably meant, if there is one. */
export function FilterHint({ meant }: { meant?: ComponentChildren }) {
  return (
    <p>
      {meant}
      Write <code>key = "value"</code>, joined by <code>and</code>, <code>or</code> and <code>not</code>; durations
      carry a unit: <code>duration &gt; 2s</code>.
    </p>
  );
}

/** A text with the place of the fault underlined: the word that begins there, or the end. */
export function Underlined({ text, position }: { text: string; position: number }) {
  const length = Math.max(1, /^(?:"(?:[^"\\]|\\.)*"?|[\w.-]+|.)/s.exec(text.slice(position))?.[0].length ?? 1);
  return (
    <pre class="underlined">
      {text.slice(0, position)}
      <mark>{text.slice(position, position + length) || ' '}</mark>
      {text.slice(position + length)}
    </pre>
  );
}

function Unreachable({ detail }: { detail: string }) {
  return (
    <div class="state failed" role="alert">
      <h2>The Observatory does not answer</h2>
      <p>
        Its process may have stopped. Start it with <code>npm start</code> (everything) or{' '}
        <code>npm run observatory</code> (the Observatory alone); this page goes on by itself once it answers.
      </p>
      <p class="muted">{detail}</p>
    </div>
  );
}

/** Nothing has ever been stored. */
export function EmptyStore() {
  const { hostname } = window.location;
  const endpoint = `http://${hostname}:${otlpPort.value}`;
  return (
    <div class="state empty">
      <h2>No spans yet</h2>
      <p>This page fills by itself as soon as a span arrives. To send some:</p>
      <ul>
        <li>
          <code>npm start</code> runs HotROD and sends all its telemetry here: order a ride on its page.
        </li>
        <li>
          Any program with an OpenTelemetry SDK: <code>OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}</code> and{' '}
          <code>OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</code>; for <code>grpc</code> it is{' '}
          <code>{`http://${hostname}:${otlpGrpcPort.value}`}</code>.
        </li>
        <li>
          By hand: <code>POST {endpoint}/v1/traces</code>, OTLP as protobuf or JSON.
        </li>
      </ul>
    </div>
  );
}

/** Whether the question matches no span. Then there is nothing to compare, group or list either. */
export const nothingMatches = signal(false);

/** There are spans, but the question matches none of them. */
export function NoMatch() {
  const { filter, scope, last } = state.value;
  useEffect(() => {
    nothingMatches.value = true;
    return () => {
      nothingMatches.value = false;
    };
  }, []);
  return (
    <div class="state empty" role="status">
      <h2>No {scope === 'roots' ? 'entry spans' : 'spans'} match</h2>
      <p>{filter === '' ? 'There were none in this time range.' : 'None in this time range passes the filter.'}</p>
      <p class="row">
        {filter !== '' && (
          <button type="button" onClick={() => go({ filter: '' })}>
            Clear the filter
          </button>
        )}
        {scope === 'roots' && filter !== '' && (
          <button type="button" onClick={() => go({ scope: 'spans' })}>
            Look at all spans, not entry spans alone
          </button>
        )}
        {last !== '24h' && (
          <button type="button" onClick={() => go({ last: '24h', from: null, to: null })}>
            Look at the last 24 hours
          </button>
        )}
        <button type="button" onClick={() => go(defaultState)}>
          Start afresh
        </button>
      </p>
    </div>
  );
}
