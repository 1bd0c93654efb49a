/** A component fetched when it is first shown, so that the first screen does not wait for what it does not need. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Loading } from './states.tsx';

const againMs = 2000;
/** Long enough for the first screen to be there. */
const restAfterMs = 1500;
const fetches: (() => Promise<void>)[] = [];

/** Fetches what no screen has asked for yet, so that the whole page is in the browser before an outage. */
export function fetchTheRest(): void {
  setTimeout(() => {
    for (const fetch of fetches) fetch().catch(() => undefined); // Asked for again when it is shown.
  }, restAfterMs);
}

/** @param load fetches the component; asked once, and again for as long as it fails. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => preact.JSX.Element {
  let loaded: ComponentType<P> | null = null;
  const fetch = async (): Promise<void> => {
    loaded ??= await load();
  };
  fetches.push(fetch);
  return function Later(props: P) {
    const [state, setState] = useState<'waiting' | 'failed' | 'done'>(loaded === null ? 'waiting' : 'done');
    useEffect(() => {
      // Asked for in any case: if the component came after this was drawn and before this effect, nothing else would
      // draw it.
      let timer: ReturnType<typeof setTimeout> | undefined;
      let left = false;
      const attempt = (): void =>
        void fetch().then(
          () => left || setState('done'),
          () => {
            if (left) return;
            setState('failed');
            timer = setTimeout(attempt, againMs);
          },
        );
      attempt();
      return () => {
        left = true;
        clearTimeout(timer);
      };
    }, []);
    const Component = loaded;
    if (Component !== null) return <Component {...props} />;
    return state === 'failed' ? <NotLoaded /> : <Loading />;
  };
}

function NotLoaded() {
  return (
    <div class="state failed" role="alert">
      <h2>This part of the page could not be loaded</h2>
      <p>It is asked for again every two seconds, and appears once the Observatory answers.</p>
      <p class="row">
        {/* If the Observatory came back in another version, the part has another name: a reload finds it. */}
        <button type="button" onClick={() => window.location.reload()}>
          Reload the page
        </button>
      </p>
    </div>
  );
}
