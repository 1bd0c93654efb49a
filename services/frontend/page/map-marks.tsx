import { computed, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import type { Point } from './api.ts';
import { progressOn, svgPoints } from './polyline.ts';
import { shareDriven } from './rides.ts';
import type { Order, OrderState } from './rides.ts';

/** An order whose car is on the map. */
export type OrderOnMap = Order & { state: Extract<OrderState, { ride: unknown }> };

export interface MovingProps {
  state: OrderOnMap['state'];
  /** The way of the car: its route, or what stands for that on the map. The same array as long as it is the same way. */
  way: readonly Point[];
  now: ReadonlySignal<number>;
  reducedMotion: ReadonlySignal<boolean>;
}

/** Whether an order has a car to show: on its way, or arrived a moment ago. */
export function isOnMap(order: Order): order is OrderOnMap {
  return order.state.kind === 'driving' || (order.state.kind === 'arrived' && order.state.onMap);
}

/** The way of a car: all of it faintly, what lies ahead in full. */
export function Way(props: MovingProps) {
  const { way } = props;
  const share = useShare(props);
  const ahead = useMemo(() => computed(() => svgPoints(progressOn(way, share.value).ahead)), [way, share]);
  return (
    <>
      <polyline class="way" points={svgPoints(way)} />
      <polyline class="way ahead" points={ahead} />
    </>
  );
}

/** A car where it is now, looking where it goes. */
export function Car(props: MovingProps) {
  const { way, state } = props;
  const share = useShare(props);
  const place = useMemo(
    () =>
      computed(() => {
        const { at, heading } = progressOn(way, share.value);
        return `translate(${at.x.toFixed(2)} ${at.y.toFixed(2)}) rotate(${heading.toFixed(0)})`;
      }),
    [way, share],
  );
  return (
    <g class="car" data-driver={state.ride.driver.id} transform={place}>
      <g class="body">
        <rect x={-11} y={-6} width={22} height={12} rx={4} />
        <path d="M3 -4 L6 -3 V3 L3 4 Z" />
      </g>
    </g>
  );
}

/** The lines of a grid inside a rectangle, as an SVG path. @param step their distance */
export function gridPath(left: number, top: number, width: number, height: number, step: number): string {
  let path = '';
  for (let x = Math.floor(left / step + 1) * step; x < left + width; x += step) path += `M${x} ${top}v${height}`;
  for (let y = Math.floor(top / step + 1) * step; y < top + height; y += step) path += `M${left} ${y}h${width}`;
  return path;
}

/**
 * How many units of a drawing a CSS pixel is worth, kept up to date: marks and letters multiplied by it keep their size
 * whatever the drawing's. @param units the longer side of the drawing's view box
 */
export function useUnit(svg: RefObject<SVGSVGElement | null>, units: number): ReadonlySignal<number> {
  const unit = useMemo(() => signal(1), []);
  useLayoutEffect(() => {
    const element = svg.current;
    if (!element) return undefined;
    const measure = (): void => {
      const { width, height } = element.getBoundingClientRect();
      const side = Math.min(width, height);
      if (side > 0) unit.value = units / side;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [svg, units, unit]);
  return unit;
}

/** How far the car is. If motion is unwelcome, it stands at the start until it has arrived. */
function useShare({ state, now, reducedMotion }: Omit<MovingProps, 'way'>): ReadonlySignal<number> {
  return useMemo(
    () =>
      computed(() => {
        if (state.kind === 'arrived') return 1;
        return reducedMotion.value ? 0 : shareDriven(state, now.value);
      }),
    [state, now, reducedMotion],
  );
}
