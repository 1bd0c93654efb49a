import { computed } from '@preact/signals';
import { render } from 'preact';
import { fetchConfig, fetchRide, openEvents, parseEvents } from './api.ts';
import { App } from './app.tsx';
import { createClock, createReducedMotion } from './clock.ts';
import { createConfigLoader } from './config-loader.ts';
import { createEventStream } from './event-stream.ts';
import { createRides } from './rides.ts';
import { createSession, tabStorage } from './session.ts';
import { noTelemetry } from './telemetry.ts';
import type { PageTelemetry, Release } from './telemetry.ts';
import { createTraffic } from './traffic.ts';

/** Spans wait for the release they are of; not for ever, or those of a page without a server would pile up. */
const releaseWaitMs = 10_000;

/** How often rides that are over are taken from the map. */
const trafficTickMs = 500;

const session = createSession(tabStorage());
let telemetry: PageTelemetry = noTelemetry;
let releaseKnown: (release: Release | undefined) => void = () => {};
const release = new Promise<Release | undefined>((resolve) => {
  releaseKnown = resolve;
  setTimeout(() => resolve(undefined), releaseWaitMs);
});

const later = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};
const loader = createConfigLoader(() => telemetry.inDocument(fetchConfig), later);
const rides = createRides({
  session,
  telemetry: () => telemetry,
  fetchRide,
  now: () => performance.now(),
  after: (ms, callback) => void setTimeout(callback, ms),
});
const traffic = createTraffic(
  (requestId) => rides.orders.value.some((order) => order.requestId === requestId),
  () => performance.now(),
);
const stream = createEventStream({
  open: () => openEvents(session.id),
  onRides: (data) => traffic.apply(parseEvents(data)),
  later,
});
const underWay = computed(() =>
  rides.orders.value.some(({ state }) => state.kind === 'dispatching' || state.kind === 'driving'),
);

const root = document.querySelector('#page');
if (root) {
  render(
    <App
      loader={loader}
      rides={rides}
      traffic={traffic}
      stream={stream}
      session={session}
      now={createClock(underWay)}
      reducedMotion={createReducedMotion()}
    />,
    root,
  );
}

// A browser has six connections to one server for all of its tabs: those that nobody sees must not hold one each.
const followWhileSeen = (): void => (document.hidden ? stream.close() : stream.open());
document.addEventListener('visibilitychange', followWhileSeen);
followWhileSeen();
setInterval(traffic.tick, trafficTickMs);

// The page is there before it is traced. If tracing fails (blocked, broken or not to be loaded) it stays untraced.
try {
  const { startTracing } = await import('./tracing.ts');
  telemetry = startTracing(session.id, release);
} catch (error) {
  console.warn('The page leaves no spans of its own:', error);
}
loader.state.subscribe((state) => {
  if (state.kind === 'ready') releaseKnown(state.config);
});
await loader.load();
