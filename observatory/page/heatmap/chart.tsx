/** The picture above every result: the heatmap or lines over time, with what belongs to either. */
import { useMemo } from 'preact/hooks';
import {
  type Breakdown,
  type Heatmap as HeatmapData,
  heatmapSchema,
  type Marker,
  markersSchema,
  type Measure,
} from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer, type Answer } from '../api/use-answer.ts';
import { openExemplar, everything } from '../shell/actions.ts';
import { downloads } from '../shell/download.ts';
import { lazy } from '../shell/lazy.tsx';
import { ReservedWidth } from '../shell/reserved-width.tsx';
import { DownloadButton } from '../shell/download-button.tsx';
import { EmptyStore, Failed, Loading, NoMatch } from '../shell/states.tsx';
import { hoveredFilter } from '../state/hovered.ts';
import { range, rangeIsKnown, tick } from '../state/clock.ts';
import { go, selecting, state } from '../state/location.ts';
import { heatmapPath } from '../state/api-paths.ts';
import type { Box } from '../state/url-state.ts';
import { storeIsEmpty } from '../shell/status.tsx';
import { Heatmap, heatmapRows } from './heatmap.tsx';
import { measureNames, measureNamesOfAll } from '../groups/measure.ts';
import { endOf } from './geometry.ts';
import { Legend } from './legend.tsx';
import { slowBandFrom } from './slow-band.ts';

const Lines = lazy(() => import('../groups/lines.tsx').then((module) => module.Lines));

export function Chart({ groups }: { groups: Answer<Breakdown> }) {
  const { chart } = state.value;
  return (
    <section class="chart panel" aria-label={chart === 'heatmap' ? 'Heatmap' : 'Lines over time'}>
      {chart === 'heatmap' ? <HeatmapChart /> : <LinesChart groups={groups} />}
    </section>
  );
}

function Switch<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onPick: (value: T) => void;
}) {
  return (
    <span class="switch" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button type="button" key={value} aria-pressed={props.value === value} onClick={() => props.onPick(value)}>
          {text}
        </button>
      ))}
    </span>
  );
}

function ChartSwitch() {
  return (
    <Switch
      label="Chart"
      value={state.value.chart}
      options={[
        ['heatmap', 'Heatmap'],
        ['lines', 'Lines'],
      ]}
      onPick={(chart) => go({ chart })}
    />
  );
}

function useMarkers(): Marker[] {
  const { fromMs, toMs } = range.value;
  const answer = useAnswer(markersSchema, apiPath('markers', { from: fromMs, to: toMs }), tick.value);
  return answer.data ?? [];
}

const selectIt = 'Select the slow band';
const clearIt = 'Clear the selection';
/** Why there is nothing for the button to select. */
const noBand = 'No slow band stands out.';

function HeatmapChart() {
  const now = state.value;
  const lit = hoveredFilter.value || now.lit;
  const answer = useAnswer(
    heatmapSchema,
    rangeIsKnown.value ? heatmapPath(now, range.value, heatmapRows, lit) : null,
    tick.value,
  );
  const markers = useMarkers();
  const heatmap = answer.data;
  // The highlight of the picture that is drawn, which may still be the answer to an earlier question.
  const drawnLit = new URLSearchParams(answer.path?.split('?')[1]).get('highlight') ?? '';
  const slowFrom = useMemo(() => (heatmap === null ? null : slowBandFrom(heatmap)), [heatmap]);
  const select = (box: Box, on: HeatmapData): void => go(selecting(box, { fromMs: on.from, toMs: endOf(on) }));
  const isEmpty = heatmap !== null && heatmap.total === 0;
  return (
    <>
      <div class="bar">
        <ChartSwitch />
        <Switch
          label="Axis of durations"
          value={now.scale}
          options={[
            ['log', 'Log'],
            ['linear', 'Linear'],
          ]}
          onPick={(scale) => go({ scale })}
        />
        <Legend heatmap={isEmpty ? null : heatmap} lit={drawnLit} pinned={now.lit === drawnLit} />
        <button
          type="button"
          disabled={now.box === null && slowFrom === null}
          title={now.box === null && slowFrom === null ? noBand : undefined}
          onClick={() => {
            if (now.box !== null) go({ box: null });
            else if (slowFrom !== null && heatmap !== null) select({ ...everything, minMs: slowFrom }, heatmap);
          }}
        >
          <ReservedWidth shown={now.box === null ? selectIt : clearIt} texts={[selectIt, clearIt]} />
        </button>
        <DownloadButton what="the heatmap" files={heatmap === null || isEmpty ? null : () => heatmapFiles(heatmap)} />
      </div>
      {answer.failure !== null && answer.failure.status !== 0 ? (
        <Failed failure={answer.failure} filter={now.filter} />
      ) : heatmap === null ? (
        answer.failure === null ? (
          <Loading what="Drawing the heatmap" />
        ) : (
          <Failed failure={answer.failure} />
        )
      ) : isEmpty ? (
        storeIsEmpty.value ? (
          <EmptyStore />
        ) : (
          <NoMatch />
        )
      ) : (
        <>
          <Heatmap
            heatmap={heatmap}
            markers={markers}
            box={now.box}
            lit={drawnLit !== ''}
            onBox={(on, box) => select(box, on)}
            onOpen={(_on, box) => void openExemplar(box)}
            onClear={() => go({ box: null, lit: '' })}
          />
          <p class="hint">
            {now.box !== null
              ? 'Drag another box to compare that one instead.'
              : slowFrom === null
                ? `${noBand} Drag a box over any points to see what is different.`
                : 'Drag a box over the slow band to see what is different.'}{' '}
            Click a cell to open a typical trace.
          </p>
        </>
      )}
    </>
  );
}

function heatmapFiles(heatmap: HeatmapData) {
  return downloads('heatmap', heatmap, () => ({
    columns: ['time', 'from_ms', 'to_ms', 'spans', 'errors'],
    rows: heatmap.cells.map(([column, row, count, errors]) => [
      new Date(heatmap.from + column * heatmap.stepMs).toISOString(),
      heatmap.edgesMs[row] ?? null,
      heatmap.edgesMs[row + 1] ?? null,
      count,
      errors,
    ]),
  }));
}

function LinesChart({ groups }: { groups: Answer<Breakdown> }) {
  const now = state.value;
  const markers = useMarkers();
  const names: Partial<Record<Measure, string>> = now.by.length > 0 ? measureNames : measureNamesOfAll;
  return (
    <>
      <div class="bar">
        <ChartSwitch />
        <label>
          <span class="only-heard">Measure</span>
          <select
            value={names[now.measure] === undefined ? 'p50' : now.measure}
            onChange={(event) => go({ measure: event.currentTarget.value as Measure })}
          >
            {Object.entries(names).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {now.by.length > 0 && <span class="muted">by {now.by.join(' and ')}</span>}
      </div>
      <Lines answer={groups} markers={markers} />
    </>
  );
}
