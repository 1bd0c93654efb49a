import { ReservedWidth } from './reserved-width.tsx';
import { range } from '../state/clock.ts';
import { go, isLive, state } from '../state/location.ts';
import { isReached } from './status.tsx';
import { formatSince } from '../format/time.ts';

/** Whether the picture follows the present, and the button that changes it. Both states take the same room. */
export function LiveControl() {
  const live = isLive.value;
  const { held } = state.value;
  const { fromMs, toMs } = range.value;
  const why = held
    ? 'Held still for the selection; live again once that is cleared'
    : `Nothing after ${formatSince(toMs, Date.now())} is shown`;
  return (
    <span class="live" data-live={live} data-reached={isReached.value}>
      <span class="live-state" role="status" title={live ? 'New spans appear as they arrive' : why}>
        <ReservedWidth
          shown={!live ? 'Paused' : isReached.value ? 'Live' : 'No answer'}
          texts={['Live', 'Paused', 'No answer']}
        />
      </span>
      <button
        type="button"
        title={live ? 'Hold the picture still' : 'Follow the present again'}
        onClick={() => go(live ? { from: fromMs, to: toMs } : { from: null, to: null })}
      >
        <ReservedWidth shown={live ? 'Pause' : 'Go live'} texts={['Pause', 'Go live']} />
      </button>
    </span>
  );
}
