import { computed, useSignal, useSignalEffect } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Customer } from './api.ts';
import type { StreamState } from './event-stream.ts';
import { formatDuration, formatExact } from './format.ts';
import { traceLink } from './trace-link.ts';
import type { EndedRide, Traffic } from './traffic.ts';

export interface AllRidesProps {
  traffic: Traffic;
  customers: readonly Customer[];
  traceUrl: string | null;
  point: (customer: Customer | undefined) => void;
  reducedMotion: ReadonlySignal<boolean>;
}

/** How often the list changes, at most: nobody could read a list that changed with every ride. */
const changeMs = 1_000;
const calmChangeMs = 5_000;

/** The last rides of all, whoever ordered them. It stands still while somebody points at it or is in it by the keyboard. */
export function AllRides({ traffic, customers, traceUrl, point, reducedMotion }: AllRidesProps) {
  const shown = useSignal<readonly EndedRide[]>([]);
  const list = useRef<HTMLDivElement>(null);
  const byId = useMemo(() => new Map(customers.map((customer) => [customer.id, customer])), [customers]);
  const isCalm = reducedMotion.value;
  useSignalEffect(() => {
    if (shown.peek().length === 0) shown.value = traffic.last.value;
  });
  useEffect(() => {
    const timer = setInterval(
      () => {
        if (!list.current?.matches(':hover, :focus-within')) shown.value = traffic.last.peek();
      },
      isCalm ? calmChangeMs : changeMs,
    );
    return () => clearInterval(timer);
  }, [traffic, isCalm]);
  if (shown.value.length === 0) return <p class="empty">The last rides of all who order, as soon as there are any.</p>;
  return (
    <div class="scroll" ref={list}>
      <table class="all" aria-labelledby="all-rides-title">
        <thead>
          <tr>
            <th>Customer</th>
            <th>Driver</th>
            <th class="number">Latency</th>
            <th>Trace</th>
          </tr>
        </thead>
        <tbody>
          {shown.value.map((ride) => (
            <Row key={ride.id} ride={ride} customer={byId.get(ride.customerId)} traceUrl={traceUrl} point={point} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  ride: EndedRide;
  customer: Customer | undefined;
  traceUrl: string | null;
  point: (customer: Customer | undefined) => void;
}

function Row({ ride, customer, traceUrl, point }: RowProps) {
  const { customerId, isOwn, end } = ride;
  const hasFailed = 'code' in end.result;
  const name = customer?.name ?? `Customer ${customerId}`;
  const href = traceLink(traceUrl, end.traceId, document.baseURI);
  return (
    <tr
      class={hasFailed ? 'failed' : end.isSlow ? 'slow' : undefined}
      onPointerEnter={() => point(customer)}
      onPointerLeave={() => point(undefined)}
    >
      <td class="customer">
        {name} {isOwn && <span class="muted">(yours)</span>}
      </td>
      <td class="driver num">
        {'code' in end.result ? <span class="failure-title">{end.result.code}</span> : end.result.driverId}
      </td>
      <td class="latency number" title={formatExact(end.latencyMs)}>
        {end.isSlow && <span class="slow-word">slow </span>}
        {formatDuration(end.latencyMs)}
      </td>
      <td class="trace">
        {href !== undefined && (
          <a href={href} target="_blank" rel="noopener" aria-label={`Trace of the ride for ${name}, in a new tab`}>
            Trace
          </a>
        )}
      </td>
    </tr>
  );
}

/** Whether the page hears of all rides, and how many there are. */
export function LiveLine({ traffic, state }: { traffic: Traffic; state: ReadonlySignal<StreamState> }) {
  const text = useMemo(
    () =>
      computed(() =>
        state.value === 'live'
          ? `${traffic.ratePerSecond.value.toFixed(1)} rides a second`
          : state.value === 'connecting'
            ? 'Connecting …'
            : 'No news of other rides; trying again',
      ),
    [traffic, state],
  );
  return (
    <p class="live num" data-state={state} title="All rides that this frontend process answers, whoever orders them">
      {text}
    </p>
  );
}
