import { computed } from '@preact/signals';
import { render } from 'preact';
import { fetchConfig, fetchRide } from './api.ts';
import { App } from './app.tsx';
import { createClock, createReducedMotion } from './clock.ts';
import { createConfigLoader } from './config-loader.ts';
import { createRides } from './rides.ts';
import { createSession, tabStorage } from './session.ts';
import { noTelemetry } from './telemetry.ts';
import type { PageTelemetry, Release } from './telemetry.ts';

/** Spans wait for the release they are of; not for ever, or those of a page without a server would pile up. */
const releaseWaitMs = 10_000;

const session = createSession(tabStorage());
let telemetry: PageTelemetry = noTelemetry;
let releaseKnown: (release: Release | undefined) => void = () => {};
const release = new Promise<Release | undefined>((resolve) => {
  releaseKnown = resolve;
  setTimeout(() => resolve(undefined), releaseWaitMs);
});

const loader = createConfigLoader(
  () => telemetry.inDocument(fetchConfig),
  (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
);
const rides = createRides({
  session,
  telemetry: () => telemetry,
  fetchRide,
  now: () => performance.now(),
  after: (ms, callback) => void setTimeout(callback, ms),
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
      session={session}
      now={createClock(underWay)}
      reducedMotion={createReducedMotion()}
    />,
    root,
  );
}

// The page is there before it is traced, and without tracing where that fails: blocked, broken or not to be loaded.
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
