import type { ReadonlySignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Customer, Point } from './api.ts';
import { CityGround, viewOf } from './city-ground.tsx';
import { wayOnStreets } from './city-plan.ts';
import type { CityPlan } from './city-plan.ts';
import { Car, isOnMap, useUnit, Way } from './map-marks.tsx';
import type { OrderOnMap } from './map-marks.tsx';
import type { Order } from './rides.ts';
import { TrafficLayer } from './traffic-layer.tsx';
import type { Traffic } from './traffic.ts';

export interface CityMapProps {
  plan: CityPlan;
  customers: readonly Customer[];
  orders: ReadonlySignal<readonly Order[]>;
  traffic: Traffic;
  order: (customer: Customer) => void;
  pointedAt: ReadonlySignal<number | undefined>;
  point: (customer: Customer | undefined) => void;
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** With more cars than this under way, names would cover what they name. */
const namedCars = 4;

/**
 * The city with its customers, the cars and their ways. Everything that can be done here can also be done in the list of
 * customers, so to the keyboard and to the ear the map is one picture. It has three layers: what moves in one does not
 * make the browser draw the others again.
 */
export function CityMap(props: CityMapProps) {
  const { plan, customers, traffic, reducedMotion } = props;
  return (
    <div class="stage" style={{ aspectRatio: `${plan.width} / ${plan.height}` }}>
      <CityGround plan={plan} />
      <TrafficLayer plan={plan} customers={customers} traffic={traffic} reducedMotion={reducedMotion} />
      <Marks {...props} />
    </div>
  );
}

/** The customers, and the cars that this page has ordered. */
function Marks({ plan, customers, orders, order, pointedAt, point, now, reducedMotion }: CityMapProps) {
  const svg = useRef<SVGSVGElement>(null);
  const { viewBox, longerSide } = viewOf(plan);
  const unit = useUnit(svg, longerSide);
  const shown = orders.value.filter(isOnMap);
  const awaited = new Set(orders.value.filter(isWaiting).map(idOf));
  const named = new Set(shown.length > namedCars ? [] : shown.map(idOf));
  const ways = useWays(plan, shown);
  return (
    <svg
      ref={svg}
      class="map"
      style={{ '--unit': unit.value }}
      viewBox={viewBox}
      role="img"
      aria-label={`Map of the city: ${customers.length} customers, ${shown.length} cars`}
    >
      {shown.map((one) => (
        <Way key={one.requestId} state={one.state} way={ways(one)} now={now} reducedMotion={reducedMotion} />
      ))}
      {customers
        .filter(({ id }) => named.has(id) || pointedAt.value === id)
        .map((customer) => (
          <Name key={customer.id} customer={customer} city={plan} />
        ))}
      {customers.map((customer) => (
        <CustomerPoint
          key={customer.id}
          customer={customer}
          mark={awaited.has(customer.id) ? 'awaited' : pointedAt.value === customer.id ? 'pointed' : ''}
          order={order}
          point={point}
        />
      ))}
      {shown.map((one) => (
        <Car key={one.requestId} state={one.state} way={ways(one)} now={now} reducedMotion={reducedMotion} />
      ))}
    </svg>
  );
}

/** The way of each order's car on the streets, found once. */
function useWays(plan: CityPlan, shown: readonly OrderOnMap[]): (order: OrderOnMap) => readonly Point[] {
  const known = useRef(new Map<string, readonly Point[]>());
  known.current = new Map(
    shown.map(({ requestId, state }) => [
      requestId,
      known.current.get(requestId) ?? wayOnStreets(plan, state.ride.route),
    ]),
  );
  return ({ requestId }) => known.current.get(requestId) ?? [];
}

function isWaiting({ state }: Order): boolean {
  return state.kind === 'dispatching' || state.kind === 'driving';
}

function idOf({ customer }: Order): number {
  return customer.id;
}

interface CustomerPointProps {
  customer: Customer;
  mark: '' | 'awaited' | 'pointed';
  order: (customer: Customer) => void;
  point: (customer: Customer | undefined) => void;
}

function CustomerPoint({ customer, mark, order, point }: CustomerPointProps) {
  const { x, y } = customer.location;
  return (
    <g
      class={`customer-point ${mark}`}
      transform={`translate(${x} ${y})`}
      onClick={() => order(customer)}
      onPointerEnter={() => point(customer)}
      onPointerLeave={() => point(undefined)}
    >
      <circle class="reach" />
      <circle class="ring" />
      <circle class="dot" />
    </g>
  );
}

/** A customer's name, above the point: neighbours are more often beside it. */
function Name({ customer, city }: { customer: Customer; city: { width: number } }) {
  const { x, y } = customer.location;
  const anchor = x < city.width * 0.2 ? 'start' : x > city.width * 0.8 ? 'end' : 'middle';
  return (
    <text class="name" x={x} y={y} dy="-1em" text-anchor={anchor}>
      {customer.name}
    </text>
  );
}
