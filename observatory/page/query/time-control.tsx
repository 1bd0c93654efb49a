import { useState } from 'preact/hooks';
import { LiveControl } from '../shell/live-control.tsx';
import { liveLast, range } from '../state/clock.ts';
import { go, isLive } from '../state/location.ts';
import { formatDayClock, formatSince } from '../format/time.ts';

const presets: readonly (readonly [string, string])[] = [
  ['1m', 'Last 1 min'],
  ['2m', 'Last 2 min'],
  ['5m', 'Last 5 min'],
  ['10m', 'Last 10 min'],
  ['30m', 'Last 30 min'],
  ['1h', 'Last hour'],
  ['3h', 'Last 3 hours'],
  ['12h', 'Last 12 hours'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
];

/** How far back, live or held still, or from an instant to another. */
export function TimeControl() {
  const last = liveLast.value;
  const [exact, setExact] = useState(false);
  const live = isLive.value;
  const { fromMs, toMs } = range.value;
  const options = presets.some(([value]) => value === last) ? presets : [[last, `Last ${last}`] as const, ...presets];
  const long = toMs - fromMs > 12 * 3_600_000;
  const format = long ? formatDayClock : (ms: number) => formatSince(ms, Date.now());
  return (
    <span class="time">
      <label>
        <span class="only-heard">Time range</span>
        <select
          value={live ? last : 'fixed'}
          onChange={(event) => {
            const { value } = event.currentTarget;
            if (value === 'exact') setExact(true);
            else if (value !== 'fixed') go({ last: value, from: null, to: null });
          }}
        >
          {!live && (
            <option value="fixed">
              {format(fromMs)} – {format(toMs)}
            </option>
          )}
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
          <option value="exact">From … to …</option>
        </select>
      </label>
      <LiveControl />
      {exact && <ExactRange from={fromMs} to={toMs} onClose={() => setExact(false)} />}
    </span>
  );
}

function ExactRange({ from, to, onClose }: { from: number; to: number; onClose: () => void }) {
  const [texts, setTexts] = useState({ from: localText(from), to: localText(to) });
  const chosen = { from: Date.parse(texts.from), to: Date.parse(texts.to) };
  const valid = chosen.from < chosen.to;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!valid) return;
    go(chosen);
    onClose();
  };
  return (
    <form class="popover exact" onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && onClose()}>
      {(['from', 'to'] as const).map((side) => (
        <label key={side}>
          {side === 'from' ? 'From' : 'To'}
          <input
            type="datetime-local"
            step="1"
            value={texts[side]}
            onInput={(event) => setTexts({ ...texts, [side]: event.currentTarget.value })}
          />
        </label>
      ))}
      {!valid && <p class="is-error">The end must come after the beginning.</p>}
      <p class="row">
        <button type="submit" disabled={!valid}>
          Show
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </p>
    </form>
  );
}

/** What a datetime-local field takes: local time without a zone, to the second. */
function localText(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
