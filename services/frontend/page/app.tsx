import { useComputed, useSignal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { AllRides, LiveLine } from './all-rides.tsx';
import type { Customer } from './api.ts';
import { CityMap } from './city-map.tsx';
import { planCity, wayScale } from './city-plan.ts';
import { CloseUps } from './close-ups.tsx';
import type { ConfigLoader } from './config-loader.ts';
import { CustomerPicker } from './customer-picker.tsx';
import type { EventStream } from './event-stream.ts';
import { Guide } from './guide.tsx';
import { NoConfig } from './no-config.tsx';
import { RideList } from './ride-list.tsx';
import type { Rides } from './rides.ts';
import type { Session } from './session.ts';
import { webLink } from './trace-link.ts';
import type { Traffic } from './traffic.ts';

export interface AppProps {
  loader: ConfigLoader;
  rides: Rides;
  traffic: Traffic;
  stream: EventStream;
  session: Session;
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** The whole page: whom to pick up, where the cars are, what became of every order. */
export function App({ loader, rides, traffic, stream, session, now, reducedMotion }: AppProps) {
  // The customer somebody points at, in whichever of the three panes.
  const pointedAt = useSignal<number | undefined>(undefined);
  const point = (customer: Customer | undefined): void => {
    pointedAt.value = customer?.id;
  };
  const order = (customer: Customer): void => void rides.order(customer);
  const state = loader.state.value;
  const config = state.kind === 'ready' ? state.config : undefined;
  const customers = config?.customers ?? none;
  const traceUrl = config?.traceUrl ?? null;
  const plan = useMemo(() => planCity(config?.city ?? { width: 1000, height: 1000 }), [config]);
  const observatory = webLink(config?.observatoryUrl ?? null, document.baseURI);

  return (
    <>
      <a class="skip" href="#rides">
        Skip to the rides
      </a>
      <header>
        <h1>HotROD</h1>
        <p>Rides on demand</p>
        <Guide hasOrdered={rides.orders.value.length > 0} hasObservatory={observatory !== undefined} />
        <Tally rides={rides} />
        {observatory !== undefined && (
          <a href={observatory} target="_blank" rel="noopener" aria-label="Observatory, in a new tab">
            Observatory
          </a>
        )}
      </header>
      <main>
        <section class="customers" aria-labelledby="customers-title">
          <h2 id="customers-title">Order a ride for</h2>
          {config ? (
            <CustomerPicker customers={config.customers} orders={rides.orders} order={order} point={point} />
          ) : (
            <NoConfig state={state} retry={() => void loader.load()} />
          )}
        </section>
        <section class="city" aria-labelledby="city-title">
          <div class="head">
            <h2 id="city-title">The city</h2>
            <LiveLine traffic={traffic} state={stream.state} />
          </div>
          <div class="ground">
            <CityMap
              plan={plan}
              customers={customers}
              orders={rides.orders}
              traffic={traffic}
              order={order}
              pointedAt={pointedAt}
              point={point}
              now={now}
              reducedMotion={reducedMotion}
            />
            <CloseUps orders={rides.orders} now={now} reducedMotion={reducedMotion} />
          </div>
          <p class="caption muted">The ways of the cars are drawn {wayScale} times as long as they are.</p>
        </section>
        <div class="lists">
          <section class="rides" id="rides" tabindex={-1} aria-labelledby="rides-title">
            <h2 id="rides-title">Your rides</h2>
            <RideList orders={rides.orders} traceUrl={traceUrl} order={order} point={point} now={now} />
          </section>
          <section class="all-rides" aria-labelledby="all-rides-title">
            <h2 id="all-rides-title">All rides</h2>
            <AllRides
              traffic={traffic}
              customers={customers}
              traceUrl={traceUrl}
              point={point}
              reducedMotion={reducedMotion}
            />
          </section>
        </div>
      </main>
      <p class="news" role="status">
        {rides.news}
      </p>
      <footer>
        <dl>
          <dt>Release</dt>
          <dd>{config?.release ?? '–'}</dd>
          <dt>Revision</dt>
          <dd title={config?.revision ?? undefined}>{config?.revision?.slice(0, 10) ?? '–'}</dd>
          <dt>Environment</dt>
          <dd>{config?.environment ?? '–'}</dd>
          <dt>Session</dt>
          <dd title="session.id of the traces that this page begins">{session.id}</dd>
        </dl>
      </footer>
    </>
  );
}

const none: readonly Customer[] = [];

/** How many orders are in which state. */
function Tally({ rides }: { rides: Rides }) {
  const counts = useComputed(() => {
    const orders = rides.orders.value;
    const count = (kind: string): number => orders.filter(({ state }) => state.kind === kind).length;
    const parts: [number, string][] = [
      [count('dispatching'), 'dispatching'],
      [count('driving'), 'on the way'],
      [count('arrived'), 'arrived'],
      [count('failed'), 'failed'],
    ];
    return parts
      .filter(([number]) => number > 0)
      .map(([number, what]) => `${number} ${what}`)
      .join(' · ');
  });
  return <p class="tally">{counts}</p>;
}
