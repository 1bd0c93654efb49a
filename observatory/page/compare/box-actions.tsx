import { boxAsFilter, durationFilter, zoomedInto } from '../state/api-paths.ts';
import { go, state } from '../state/location.ts';
import type { Box } from '../state/url-state.ts';

/** What else can be done with a selection, beside a comparison: zoom into it, or add it to the filter. */
export function BoxActions({ box }: { box: Box }) {
  const now = state.value;
  const durations = durationFilter(box);
  return (
    <>
      <button type="button" title="Its time and durations alone" onClick={() => go(zoomedInto(now, box))}>
        Zoom in
      </button>
      {durations !== '' && (
        <button type="button" title={`Adds ${durations} to the filter`} onClick={() => go(boxAsFilter(now, box))}>
          Make it a filter
        </button>
      )}
    </>
  );
}
