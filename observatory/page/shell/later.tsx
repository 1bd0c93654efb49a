/** A component fetched when it is first shown, so that the first screen does not wait for what it does not need. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Loading } from './states.tsx';

/** @param load fetches the component; asked once, and again only if it failed. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => preact.JSX.Element {
  let loaded: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [, setDone] = useState(false);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded !== null) return;
      load().then(
        (component) => {
          loaded = component;
          setDone(true);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed) return <p class="state">This part of the page could not be loaded. Reload the page to try again.</p>;
    const Component = loaded;
    return Component === null ? <Loading /> : <Component {...props} />;
  };
}
