import type { ReadonlySignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Customer } from './api.ts';
import { Car, gridPath, isOnMap, useUnit, Way } from './map-marks.tsx';
import type { Order } from './rides.ts';

export interface CityMapProps {
  city: { width: number; height: number };
  customers: readonly Customer[];
  orders: ReadonlySignal<readonly Order[]>;
  order: (customer: Customer) => void;
  pointedAt: ReadonlySignal<number | undefined>;
  point: (customer: Customer | undefined) => void;
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** Distance of the grid's lines. */
const block = 100;
/** Room around the city for marks that lie on its edge. */
const margin = 16;
/** With more cars than this under way, names would cover what they name. */
const namedCars = 4;

/**
 * The city with its customers, the cars and their ways. What can be done here can be done in the list of customers
 * too, so to the keyboard and to the ear the map is one picture.
 */
export function CityMap({ city, customers, orders, order, pointedAt, point, now, reducedMotion }: CityMapProps) {
  const svg = useRef<SVGSVGElement>(null);
  const width = city.width + 2 * margin;
  const height = city.height + 2 * margin;
  const unit = useUnit(svg, Math.max(width, height));
  const shown = orders.value.filter(isOnMap);
  const awaited = new Set(orders.value.filter(isWaiting).map(idOf));
  const named = new Set(shown.length > namedCars ? [] : shown.map(idOf));
  return (
    <svg
      ref={svg}
      class="map"
      style={{ '--unit': unit.value }}
      viewBox={`${-margin} ${-margin} ${width} ${height}`}
      preserveAspectRatio="xMidYMin meet"
      role="img"
      aria-label={`Map of the city: ${customers.length} customers, ${shown.length} cars`}
    >
      <rect class="ground" width={city.width} height={city.height} />
      <path class="grid" d={gridPath(0, 0, city.width, city.height, block)} />
      {shown.map((one) => (
        <Way key={one.requestId} state={one.state} now={now} reducedMotion={reducedMotion} />
      ))}
      {customers
        .filter(({ id }) => named.has(id) || pointedAt.value === id)
        .map((customer) => (
          <Name key={customer.id} customer={customer} city={city} />
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
        <Car key={one.requestId} state={one.state} now={now} reducedMotion={reducedMotion} />
      ))}
    </svg>
  );
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
