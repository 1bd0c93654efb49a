import type { ReadonlySignal } from '@preact/signals';
import { Fragment } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Customer, Point } from './api.ts';
import { viewOf } from './city-ground.tsx';
import { wayOnStreets } from './city-plan.ts';
import type { CityPlan } from './city-plan.ts';
import { formatDuration } from './format.ts';
import { framesOf } from './polyline.ts';
import type { RideEnd, Traffic } from './traffic.ts';

export interface TrafficLayerProps {
  plan: CityPlan;
  customers: readonly Customer[];
  traffic: Traffic;
  reducedMotion: ReadonlySignal<boolean>;
}

/**
 * All rides under way: a ring for a person who waits, a car on its way, a pulse for a ride that was slow or failed. The
 * browser moves them by itself (Web Animations), without a line of script for each frame. So a page that is left open
 * costs the machine that runs the services next to nothing.
 */
export function TrafficLayer({ plan, customers, traffic, reducedMotion }: TrafficLayerProps) {
  const places = useMemo(() => new Map(customers.map(({ id, location }) => [id, location])), [customers]);
  return (
    <div class="traffic" aria-hidden="true">
      {traffic.shown.value.map(({ id, customerId, orderedAtMs, isOwn, end }) => {
        const place = places.get(customerId);
        if (place === undefined) return null;
        const at = { left: `${viewOf(plan).across(place.x) * 100}%`, top: `${viewOf(plan).down(place.y) * 100}%` };
        if (end === undefined)
          return isOwn ? null : <Hail key={id} at={at} overdueAtMs={orderedAtMs + traffic.slowFromMs.peek()} />;
        return (
          <Fragment key={`${id} ended`}>
            {!isOwn && 'route' in end.result && <TrafficCar plan={plan} end={end} isStill={reducedMotion.value} />}
            <Pulse at={at} end={end} />
          </Fragment>
        );
      })}
    </div>
  );
}

type Place = Readonly<Record<'left' | 'top', string>>;

/** Somebody waits for an answer; from when it is overdue, it pulses. */
function Hail({ at, overdueAtMs }: { at: Place; overdueAtMs: number }) {
  const delayMs = useMemo(() => overdueAtMs - performance.now(), []);
  return (
    <span class="hail" style={at}>
      {Number.isFinite(delayMs) && <i style={{ animationDelay: `${Math.round(delayMs)}ms` }} />}
    </span>
  );
}

function Pulse({ at, end }: { at: Place; end: RideEnd }) {
  // A ride that ended before this page was opened has faded in part, or wholly.
  const delayMs = useMemo(() => Math.min(0, end.atMs - performance.now()), [end]);
  const hasFailed = 'code' in end.result;
  if (!hasFailed && !end.isSlow) return null;
  return (
    <span
      class={`pulse ${hasFailed ? 'failed' : 'slow'}`}
      style={{ ...at, animationDelay: `${Math.round(delayMs)}ms` }}
    >
      <i style={{ animationDelay: `${Math.round(delayMs)}ms` }} />
      <b>{hasFailed ? 'failed' : formatDuration(end.latencyMs)}</b>
    </span>
  );
}

/** A car of others. If motion is unwelcome, it stands at its start until it has arrived. */
function TrafficCar({ plan, end, isStill }: { plan: CityPlan; end: RideEnd; isStill: boolean }) {
  const car = useRef<HTMLSpanElement>(null);
  const frames = useMemo(() => carFrames(plan, 'route' in end.result ? end.result.route : []), [plan, end]);
  useLayoutEffect(() => {
    const element = car.current;
    if (!element || !('route' in end.result)) return undefined;
    element.style.transform = frames[0]?.transform ?? '';
    if (isStill) return undefined;
    const animation = element.animate(frames, { duration: end.result.driveMs, fill: 'both' });
    animation.currentTime = performance.now() - end.atMs;
    return () => animation.cancel();
  }, [frames, end, isStill]);
  return <span ref={car} class="traffic-car" />;
}

/** In parts of the drawing (container query units), so that the way is right in whatever size. */
function carFrames(plan: CityPlan, route: readonly Point[]): { transform: string; offset: number }[] {
  const { across, down } = viewOf(plan);
  return framesOf(wayOnStreets(plan, route)).map(({ at, heading, offset }) => ({
    transform: `translate(calc(${(across(at.x) * 100).toFixed(2)}cqw - 50%), calc(${(down(at.y) * 100).toFixed(2)}cqh - 50%)) rotate(${heading.toFixed(0)}deg)`,
    offset,
  }));
}
