import { computed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Customer } from './api.ts';
import type { Failure } from './failure.ts';
import { formatDuration, formatEta, formatExact, formatRunning } from './format.ts';
import { keptOrders, shareDriven } from './rides.ts';
import type { Order, OrderState } from './rides.ts';
import { traceLink } from './trace-link.ts';

export interface RideListProps {
  orders: ReadonlySignal<readonly Order[]>;
  traceUrl: string | null;
  order: (customer: Customer) => void;
  point: (customer: Customer | undefined) => void;
  now: ReadonlySignal<number>;
}

/** Every order with its answer: driver, ETA, latency, and the way to its trace. Newest first. */
export function RideList({ orders, traceUrl, order, point, now }: RideListProps) {
  if (orders.value.length === 0) {
    return (
      <p class="empty">
        No ride yet. Choose a customer: the nearest free car comes, and every ride leaves a trace that can be looked at
        from here.
      </p>
    );
  }
  return (
    <div class="scroll">
      {/* The roles are spelled out because the phone's layout takes the table's away. */}
      <table class="own" role="table" aria-labelledby="rides-title">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">Customer</th>
            <th role="columnheader">Driver</th>
            <th role="columnheader" class="number">
              ETA
            </th>
            <th role="columnheader">State</th>
            <th role="columnheader" class="number">
              Latency
            </th>
            <th role="columnheader">Trace</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {orders.value.map((one) => (
            <Row
              key={one.requestId}
              order={one}
              traceUrl={traceUrl}
              retry={() => order(one.customer)}
              point={point}
              now={now}
            />
          ))}
        </tbody>
      </table>
      {orders.value.length >= keptOrders && <p class="muted">Older rides are no longer shown.</p>}
    </div>
  );
}

interface RowProps {
  order: Order;
  traceUrl: string | null;
  retry: () => void;
  point: (customer: Customer | undefined) => void;
  now: ReadonlySignal<number>;
}

function Row({ order, traceUrl, retry, point, now }: RowProps) {
  const { customer, requestId, state } = order;
  return (
    <tr
      role="row"
      class={state.kind}
      data-request={requestId}
      data-state={state.kind}
      onPointerEnter={() => point(customer)}
      onPointerLeave={() => point(undefined)}
    >
      <td role="cell" class="customer" title={`Request ${requestId}`}>
        {customer.name}
      </td>
      {state.kind === 'failed' ? (
        <td role="cell" class="what-failed" colSpan={3}>
          <WhatFailed failure={state.failure} retry={retry} customer={customer} />
        </td>
      ) : (
        <>
          <td role="cell" class="driver num">
            {'ride' in state ? state.ride.driver.id : ''}
          </td>
          <td role="cell" class="eta number" title={'ride' in state ? `${state.ride.etaSeconds} s` : undefined}>
            {'ride' in state ? formatEta(state.ride.etaSeconds) : ''}
          </td>
          <td role="cell" class="state">
            <State state={state} now={now} />
          </td>
        </>
      )}
      <td
        role="cell"
        class="latency number"
        title={order.latencyMs === undefined ? undefined : formatExact(order.latencyMs)}
      >
        {order.latencyMs === undefined ? (
          <Running since={order.orderedAtMs} now={now} />
        ) : (
          formatDuration(order.latencyMs)
        )}
      </td>
      <td role="cell" class="trace">
        <Trace order={order} traceUrl={traceUrl} />
      </td>
    </tr>
  );
}

function State({ state, now }: { state: Exclude<OrderState, { kind: 'failed' }>; now: ReadonlySignal<number> }) {
  if (state.kind === 'dispatching') return <>Dispatching</>;
  if (state.kind === 'arrived') return <>Arrived</>;
  return <OnTheWay state={state} now={now} />;
}

function OnTheWay({ state, now }: { state: Extract<OrderState, { kind: 'driving' }>; now: ReadonlySignal<number> }) {
  const left = useMemo(
    () => computed(() => formatEta(state.ride.etaSeconds * (1 - shareDriven(state, now.value)))),
    [state, now],
  );
  return <>{left} left</>;
}

function Running({ since, now }: { since: number; now: ReadonlySignal<number> }) {
  const elapsed = useMemo(() => computed(() => formatRunning(now.value - since)), [since, now]);
  return <span class="muted">{elapsed}</span>;
}

function WhatFailed({ failure, retry, customer }: { failure: Failure; retry: () => void; customer: Customer }) {
  const { title, detail, code, status } = failure;
  return (
    <div>
      <span>
        <span class="failure-title">{title}</span>
        {detail && <> – {detail}</>}{' '}
        <span class="muted num">
          {status === undefined ? '' : `${status} `}
          {code}
        </span>
      </span>
      <button type="button" class="action" aria-label={`Retry the ride for ${customer.name}`} onClick={retry}>
        Retry
      </button>
    </div>
  );
}

/** The way to the trace: a link if a viewer of traces is configured, else the id, to be copied. */
function Trace({ order, traceUrl }: { order: Order; traceUrl: string | null }) {
  const { traceId, customer, state } = order;
  if (traceId === undefined || state.kind === 'dispatching') return null;
  const href = traceLink(traceUrl, traceId, document.baseURI);
  if (href === undefined) {
    return (
      <code title={`Trace ${traceId}: set TRACE_URL to make this a link`} aria-label={`Trace id ${traceId}`}>
        {traceId.slice(0, 8)}
      </code>
    );
  }
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener"
      title={`Trace ${traceId}`}
      aria-label={`Trace of the ride for ${customer.name}, in a new tab`}
    >
      Trace
    </a>
  );
}
