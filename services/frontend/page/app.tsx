import { useComputed, useSignal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Customer } from './api.ts';
import { CityMap } from './city-map.tsx';
import { CloseUps } from './close-ups.tsx';
import type { ConfigLoader } from './config-loader.ts';
import { CustomerPicker } from './customer-picker.tsx';
import { NoConfig } from './no-config.tsx';
import { RideList } from './ride-list.tsx';
import type { Rides } from './rides.ts';
import type { Session } from './session.ts';

export interface AppProps {
  loader: ConfigLoader;
  rides: Rides;
  session: Session;
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** The whole page: whom to pick up, where the cars are, what became of every order. */
export function App({ loader, rides, session, now, reducedMotion }: AppProps) {
  // The customer somebody points at, in whichever of the three panes.
  const pointedAt = useSignal<number | undefined>(undefined);
  const point = (customer: Customer | undefined): void => {
    pointedAt.value = customer?.id;
  };
  const order = (customer: Customer): void => void rides.order(customer);
  const state = loader.state.value;
  const config = state.kind === 'ready' ? state.config : undefined;

  return (
    <>
      <a class="skip" href="#rides">
        Skip to the rides
      </a>
      <header>
        <h1>HotROD</h1>
        <p>Rides on demand</p>
        <Tally rides={rides} />
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
        <section class="city" aria-label="Map of the city">
          <CityMap
            city={config?.city ?? { width: 1000, height: 1000 }}
            customers={config?.customers ?? []}
            orders={rides.orders}
            order={order}
            pointedAt={pointedAt}
            point={point}
            now={now}
            reducedMotion={reducedMotion}
          />
          <CloseUps orders={rides.orders} now={now} reducedMotion={reducedMotion} />
        </section>
        <section class="rides" id="rides" tabindex={-1} aria-labelledby="rides-title">
          <h2 id="rides-title">Rides</h2>
          <RideList orders={rides.orders} traceUrl={config?.traceUrl ?? null} order={order} point={point} now={now} />
        </section>
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
