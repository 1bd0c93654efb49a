import { useEffect, useRef } from 'preact/hooks';
import { Explore } from './explore/explore.tsx';
import { Guide } from './guide/guide.tsx';
import { lazy } from './shell/lazy.tsx';
import { MenuHost } from './shell/menu.tsx';
import { Notice } from './shell/notice.tsx';
import { ConnectionBanner, RidesLink, StatusFooter } from './shell/status.tsx';
import { underBase } from './state/base-path.ts';
import { addressOf, follow, state } from './state/location.ts';
import type { State } from './state/url-state.ts';

const TracePage = lazy(() => import('./trace/trace-page.tsx').then((module) => module.TracePage));
const ServiceMap = lazy(() => import('./map/service-map.tsx').then((module) => module.ServiceMap));
const Releases = lazy(() => import('./releases/releases.tsx').then((module) => module.Releases));
const Objectives = lazy(() => import('./slo/objectives.tsx').then((module) => module.Objectives));

const titles: Record<State['view'], string> = {
  compare: 'What is different',
  groups: 'Groups',
  traces: 'Traces',
  map: 'Service map',
  releases: 'Releases',
  slo: 'Objectives',
};
/** Views with a page of their own; the others are the explorer's. */
const apart: readonly State['view'][] = ['map', 'releases', 'slo'];

/** @param place a view, or the id of a trace. */
function isExplorers(place: string): boolean {
  return place in titles && !apart.some((view) => view === place);
}

export function App() {
  const { traceId, view, by } = state.value;
  useEffect(() => {
    // A trace page sets its own title, once it knows the trace's name.
    if (traceId === null) document.title = `${titleOf(view, by)} · Observatory`;
  }, [traceId, view, by]);
  const place = traceId ?? view;
  const shown = useRef(place);
  useEffect(() => {
    if (shown.current === place) return;
    const onlyResults = isExplorers(shown.current) && isExplorers(place);
    shown.current = place;
    // The element that had the focus is gone: the reader goes on at the beginning of what has replaced it.
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (lost) document.getElementById(onlyResults ? 'results' : 'content')?.focus({ preventScroll: true });
  }, [place]);
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a
          class="brand"
          href={underBase('/')}
          onClick={(event) => follow(event, { traceId: null, spanId: null, view: 'compare' })}
        >
          Observatory
        </a>
        <nav aria-label="Pages">
          <Link to={{ view: 'compare' }} here={traceId === null && !apart.includes(view)}>
            Explore
          </Link>
          <Link to={{ view: 'map' }} here={traceId === null && view === 'map'}>
            Service map
          </Link>
          <Link to={{ view: 'releases' }} here={traceId === null && view === 'releases'}>
            Releases
          </Link>
          <Link to={{ view: 'slo' }} here={traceId === null && view === 'slo'}>
            Objectives
          </Link>
        </nav>
        <RidesLink />
      </header>
      <Guide />
      <ConnectionBanner />
      <div id="content" tabIndex={-1}>
        {traceId !== null ? (
          <TracePage key={traceId} traceId={traceId} />
        ) : view === 'map' ? (
          <ServiceMap />
        ) : view === 'releases' ? (
          <Releases />
        ) : view === 'slo' ? (
          <Objectives />
        ) : (
          <Explore />
        )}
      </div>
      <StatusFooter />
      <MenuHost />
      <Notice />
    </>
  );
}

function titleOf(view: State['view'], by: readonly string[]): string {
  return view === 'groups' && by.length > 0 ? `By ${by.join(' and ')}` : titles[view];
}

function Link({ to, here, children }: { to: Partial<State>; here: boolean; children: string }) {
  const change = { ...to, traceId: null, spanId: null, find: '' };
  return (
    <a href={addressOf(change)} aria-current={here ? 'page' : undefined} onClick={(event) => follow(event, change)}>
      {children}
    </a>
  );
}
