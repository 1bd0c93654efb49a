/** The core loop on one page: a picture above, below it what is different, groups, or traces. */
import { useEffect, useState } from 'preact/hooks';
import { breakdownSchema } from '../../contract/contract.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Compare } from '../compare/compare.tsx';
import { Groups } from '../groups/groups.tsx';
import { linesShown } from '../groups/line-style.ts';
import { pointsFor } from '../groups/points.ts';
import { Chart } from '../heatmap/chart.tsx';
import { FilterInput } from '../query/filter-input.tsx';
import { TimeControl } from '../query/time-control.tsx';
import { nothingMatches } from '../shell/states.tsx';
import { storeIsEmpty } from '../shell/status.tsx';
import { Traces } from '../traces/traces.tsx';
import { range, tick } from '../state/clock.ts';
import { addressOf, follow, go, state } from '../state/location.ts';
import { breakdownPath } from '../state/api-paths.ts';
import type { View } from '../state/url-state.ts';

const views: readonly (readonly [View, string])[] = [
  ['compare', 'What is different'],
  ['groups', 'Group by'],
  ['traces', 'Traces'],
];

export function Explore() {
  const now = state.value;
  const lines = now.chart === 'lines';
  const grouped = now.by.length > 0 && (lines || now.view === 'groups');
  const [points, setPoints] = useState(pointsFor(null));
  const groups = useAnswer(
    breakdownSchema,
    grouped ? breakdownPath(now, range.value, lines ? linesShown : 0, points) : null,
    tick.value,
  );
  // How finely lines can be drawn is known once their groups are known.
  useEffect(() => setPoints((last) => pointsFor(groups.data, last)), [groups.data]);
  return (
    <main class="explore">
      <form class="query" role="search" aria-label="Question" onSubmit={(event) => event.preventDefault()}>
        <FilterInput />
        <label>
          <span class="only-heard">Which spans</span>
          <select
            value={now.scope}
            onChange={(event) => go({ scope: event.currentTarget.value === 'spans' ? 'spans' : 'roots', box: null })}
          >
            <option value="roots">Entry spans</option>
            <option value="spans">All spans</option>
          </select>
        </label>
        <TimeControl />
      </form>
      <Chart groups={groups} />
      {!storeIsEmpty.value && !nothingMatches.value && (
        <section class="results panel" id="results" tabIndex={-1} aria-label="Results">
          <nav class="tabs" aria-label="Results">
            {views.map(([view, name]) => (
              <a
                key={view}
                href={addressOf({ view })}
                aria-current={now.view === view ? 'page' : undefined}
                onClick={(event) => {
                  follow(event, { view });
                }}
              >
                {name}
              </a>
            ))}
          </nav>
          {now.view === 'groups' ? <Groups answer={groups} /> : now.view === 'traces' ? <Traces /> : <Compare />}
        </section>
      )}
    </main>
  );
}
