import { computed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { formatEta } from './format.ts';
import { Car, gridPath, isOnMap, useUnit, Way } from './map-marks.tsx';
import type { MovingProps, OrderOnMap } from './map-marks.tsx';
import { squareAround } from './polyline.ts';
import { shareDriven } from './rides.ts';
import type { Order } from './rides.ts';

export interface CloseUpsProps {
  orders: ReadonlySignal<readonly Order[]>;
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** As many as have room side by side. */
const mostShown = 4;
/** No close-up shows less of the city than this, in its units. */
const smallestView = 8;

/**
 * The newest rides from near. The next free car is seldom far, and on the map of the whole city its way is shorter
 * than the car's own mark.
 */
export function CloseUps({ orders, now, reducedMotion }: CloseUpsProps) {
  const shown = orders.value.filter(isOnMap).slice(0, mostShown);
  return (
    <div class="close-ups" aria-hidden="true">
      {shown.map((one) => (
        <CloseUp key={one.requestId} order={one} now={now} reducedMotion={reducedMotion} />
      ))}
    </div>
  );
}

function CloseUp({ order, now, reducedMotion }: Omit<MovingProps, 'state' | 'way'> & { order: OrderOnMap }) {
  const { customer, state } = order;
  const svg = useRef<SVGSVGElement>(null);
  const { left, top, side } = squareAround(state.ride.route, smallestView);
  const unit = useUnit(svg, side);
  const remaining = useMemo(
    () =>
      computed(() =>
        state.kind === 'arrived' ? 'Arrived' : formatEta(state.ride.etaSeconds * (1 - shareDriven(state, now.value))),
      ),
    [state, now],
  );
  return (
    <figure>
      <svg ref={svg} style={{ '--unit': unit.value }} viewBox={`${left} ${top} ${side} ${side}`}>
        <rect class="ground" x={left} y={top} width={side} height={side} />
        <path class="grid" d={gridPath(left, top, side, side, gridStep(side))} />
        <Way state={state} way={state.ride.route} now={now} reducedMotion={reducedMotion} />
        <g class="customer-point awaited" transform={`translate(${customer.location.x} ${customer.location.y})`}>
          <circle class="ring" />
          <circle class="dot" />
        </g>
        <Car state={state} way={state.ride.route} now={now} reducedMotion={reducedMotion} />
      </svg>
      <figcaption>
        <span>{customer.name}</span>
        <span class="num">{remaining}</span>
      </figcaption>
    </figure>
  );
}

/** Streets at round distances, a handful in sight. */
function gridStep(side: number): number {
  return [2, 5, 10, 20, 50, 100].find((step) => side / step <= 6) ?? 200;
}
