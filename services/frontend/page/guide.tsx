import { useSignal } from '@preact/signals';

const key = 'hotrod.guide';

function isAway(): boolean {
  try {
    return localStorage.getItem(key) === 'away';
  } catch {
    return false; // a browser that keeps nothing: the guide is there each time
  }
}

export interface GuideProps {
  /** Whether a ride was ordered on this page. */
  hasOrdered: boolean;
  /** Whether the Observatory's address is known. */
  hasObservatory: boolean;
}

/** A line in the header for whoever is alone with the story: what to do next. Put away, it stays away. */
export function Guide({ hasOrdered, hasObservatory }: GuideProps) {
  const away = useSignal(isAway());
  if (away.value) return null;
  const putAway = (): void => {
    away.value = true;
    try {
      localStorage.setItem(key, 'away');
    } catch {
      // It holds for as long as the page is open.
    }
  };
  return (
    <aside class="guide" aria-label="Guide">
      <p aria-live="polite">
        {!hasOrdered
          ? 'New here? Order a ride for any customer.'
          : hasObservatory
            ? 'Some rides take three times as long as others. The Observatory shows which, and leads on.'
            : 'Some rides take three times as long as others. Your tracing backend shows which.'}
      </p>
      <button type="button" onClick={putAway}>
        Put away
      </button>
    </aside>
  );
}
