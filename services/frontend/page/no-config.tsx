import type { ConfigState } from './config-loader.ts';

/** In the customers' place while there are none: they are being fetched, or cannot be. */
export function NoConfig({ state, retry }: { state: ConfigState; retry: () => void }) {
  if (state.kind !== 'failed') return <p class="empty">Loading the customers …</p>;
  const { failure } = state;
  return (
    <div class="empty" role="alert">
      <p class="failure-title">The customers cannot be loaded</p>
      <p>
        {failure.title}
        {failure.detail && `. ${failure.detail}`}
      </p>
      <p class="muted">The page asks again by itself.</p>
      <button type="button" class="action" onClick={retry}>
        Ask now
      </button>
    </div>
  );
}
