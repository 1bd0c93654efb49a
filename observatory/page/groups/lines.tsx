/** Lines over time: one for each group, or the percentiles of all spans if there are no groups. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import {
  type Breakdown,
  type Marker,
  type Measure,
  type Percentiles,
  percentilesSchema,
} from '../../contract/contract.ts';
import { useAnswer, type Answer } from '../api/use-answer.ts';
import { everything, openExemplar } from '../shell/actions.ts';
import { downloads } from '../shell/download.ts';
import { DownloadButton } from '../shell/download-button.tsx';
import { EmptyStore, Failed, failureInPlaceOf, Loading, NoMatch } from '../shell/states.tsx';
import { storeIsEmpty } from '../shell/status.tsx';
import { Markers } from '../heatmap/markers.tsx';
import { hoveredFilter } from '../state/hovered.ts';
import { range, tick } from '../state/clock.ts';
import { state } from '../state/location.ts';
import { percentilesPath } from '../state/api-paths.ts';
import { formatClock } from '../format/time.ts';
import { useScheme, useSize } from '../format/use-size.ts';
import { KeyLine } from './key-line.tsx';
import { lineStyles, linesShown, lookOf } from './line-style.ts';
import { formatMeasure } from './measure.ts';
import { axisWidth, plotOptions, rightRoom, type Drawn, type Line } from './plot.ts';
import { distinguish } from './distinguish.ts';
import { walk, type Place } from './walk.ts';

export function Lines({ answer, markers }: { answer: Answer<Breakdown>; markers: Marker[] }) {
  return state.value.by.length > 0 ? (
    <GroupLines answer={answer} markers={markers} />
  ) : (
    <PercentileLines markers={markers} />
  );
}

function GroupLines({ answer, markers }: { answer: Answer<Breakdown>; markers: Marker[] }) {
  const drawn = useMemo(() => (answer.data === null ? null : linesOfGroups(answer.data)), [answer.data]);
  return <Shown answer={answer} drawn={drawn} markers={markers} />;
}

function PercentileLines({ markers }: { markers: Marker[] }) {
  const answer = useAnswer(percentilesSchema, percentilesPath(state.value, range.value), tick.value);
  const { measure } = state.value;
  const drawn = useMemo(() => (answer.data === null ? null : linesOfAll(answer.data, measure)), [answer.data, measure]);
  return <Shown answer={answer} drawn={drawn} markers={markers} />;
}

function Shown(props: { answer: Answer<unknown>; drawn: Drawn | null; markers: Marker[] }) {
  const { answer, drawn, markers } = props;
  const failure = failureInPlaceOf(answer);
  if (failure !== null) return <Failed failure={failure} filter={state.value.filter} />;
  if (drawn === null) return <Loading what="Drawing the lines" />;
  if (drawn.spans > 0) return <Plot drawn={drawn} markers={markers} data={answer.data} />;
  if (storeIsEmpty.value) return <EmptyStore />;
  const { box, by, groupsOf } = state.value;
  if (by.length > 0 && box !== null && groupsOf === 'selection') {
    return <p class="state">No span lies in the selection. Group all spans, or select others in the heatmap.</p>;
  }
  return <NoMatch />;
}

function linesOfGroups(found: Breakdown): Drawn {
  const styles = lineStyles(found.by, found.groups.slice(0, linesShown));
  const nameOf = (values: (string | null)[]): string => values.map((value) => value ?? 'missing').join(' · ');
  const shortOf = distinguish(found.groups.map(({ values }) => nameOf(values)));
  const lines = found.groups.flatMap((group, index) =>
    group.series === undefined
      ? []
      : [
          {
            name: nameOf(group.values),
            short: shortOf.get(nameOf(group.values)) ?? nameOf(group.values),
            style: styles.get(group.filter) ?? lookOf(index),
            values: group.series,
            filter: group.filter,
          },
        ],
  );
  return { times: found.times, stepMs: found.stepMs, lines, measure: found.measure, spans: found.total };
}

/** The lines of all spans together: how many, how many failed, or three percentiles of how long they took. */
function linesOfAll(found: Percentiles, measure: Measure): Drawn {
  const { times, stepMs, count, errors } = found;
  const spans = count.reduce((sum, each) => sum + each, 0);
  const line = (index: number, name: string, values: (number | null)[]): Line => ({
    name,
    short: name,
    style: lookOf(index),
    values,
    filter: '',
  });
  if (measure === 'count') return { times, stepMs, spans, measure, lines: [line(0, 'Spans', count)] };
  if (measure === 'errorRate') {
    const rates = count.map((of, index) => (of === 0 ? null : (errors[index] ?? 0) / of));
    return { times, stepMs, spans, measure, lines: [line(0, 'Error rate', rates)] };
  }
  const lines = [line(0, 'Median', found.p50Ms), line(1, 'p95', found.p95Ms), line(3, 'p99', found.p99Ms)];
  return { times, stepMs, spans, measure: 'p50', lines };
}

function Plot({ drawn, markers, data }: { drawn: Drawn; markers: Marker[]; data: unknown }) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const size = useSize(frame);
  const scheme = useScheme();
  const shape = drawn.lines.map((line) => `${line.name}|${line.style.css}|${line.style.dash.join()}`).join('\n');
  const latest = useRef(drawn);
  latest.current = drawn;
  /** Moves the cursor, and the tooltip with it, to a place, or away. */
  const point = (at: Place | null): void => {
    const value = at === null ? null : (drawn.lines[at.line]?.values[at.index] ?? null);
    const time = at === null ? undefined : drawn.times[at.index];
    if (plot.current === null) return;
    // Beyond its edges uPlot has no cursor.
    if (value === null || time === undefined) plot.current.setCursor({ left: -10, top: -10 });
    else
      plot.current.setCursor({ left: plot.current.valToPos(time / 1000, 'x'), top: plot.current.valToPos(value, 'y') });
  };
  useEffect(() => {
    const element = frame.current;
    if (element === null || size.width === 0) return undefined;
    const options = plotOptions(drawn, size, element, () => latest.current, openPoint);
    // A chart of another size shows the point that was walked to, too, once it has its scales.
    const hooks: uPlot.Hooks.Arrays = { ...options.hooks, ready: [() => place !== null && point(place)] };
    const chart = new uPlot({ ...options, hooks }, dataOf(drawn), element);
    plot.current = chart;
    return () => {
      plot.current = null;
      chart.destroy();
    };
  }, [shape, drawn.measure, size.width, size.height, scheme]);
  useEffect(() => plot.current?.setData(dataOf(drawn)), [drawn]);
  const lit = hoveredFilter.value;
  useEffect(() => {
    const index = lit === '' ? -1 : drawn.lines.findIndex((line) => line.filter === lit);
    plot.current?.setSeries(index < 0 ? null : index + 1, { focus: index >= 0 });
  }, [lit]);
  const put = (at: Place | null): void => {
    setPlace(at);
    point(at);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = walk(drawn.lines, place, event.key);
    if (next !== null) put(next);
    else if (event.key === 'Escape') put(null);
    else if (event.key === 'Enter' && place !== null) openPoint(drawn, place);
    else return;
    event.preventDefault();
  };
  const end = (drawn.times.at(-1) ?? 0) + drawn.stepMs;
  const inner = { width: Math.max(0, size.width - axisWidth - rightRoom), height: size.height - 50 };
  return (
    <>
      <div
        class="lines"
        ref={frame}
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`Lines over time: ${drawn.lines.map((line) => line.name).join('; ')}. Arrow keys walk over the points, Enter opens a typical trace, Escape leaves.`}
        onKeyDown={onKeyDown}
        onBlur={() => put(null)}
      >
        <div class="plot-markers" style={{ left: `${axisWidth}px`, width: `${inner.width}px` }}>
          <Markers markers={markers} from={drawn.times[0] ?? 0} to={end} size={inner} />
        </div>
      </div>
      <div class="only-heard" aria-live="polite">
        {place !== null && describe(drawn, place)}
      </div>
      {/* If there is a table of groups, it shows which line is whose. */}
      {(state.value.by.length === 0 || state.value.view !== 'groups') && (
        <p class="line-names">
          {drawn.lines.map((line) => (
            <span key={line.name} title={line.name}>
              <KeyLine style={line.style} />
              <span class="clip">{line.short}</span>
            </span>
          ))}
        </p>
      )}
      <div class="line-foot">
        <p class="hint">Click a point for a typical trace of its line. Drag across to look closer.</p>
        <DownloadButton what="the lines" files={() => lineFiles(drawn, data)} />
      </div>
    </>
  );
}

/** Opens a trace that stands for a point of a line. */
function openPoint(drawn: Drawn, { line, index }: Place): void {
  const from = drawn.times[index];
  if (from === undefined) return;
  void openExemplar({ ...everything, fromMs: from, toMs: from + drawn.stepMs }, drawn.lines[line]?.filter);
}

function describe(drawn: Drawn, { line, index }: Place): string {
  const value = drawn.lines[line]?.values[index] ?? null;
  if (value === null) return '';
  return `${formatClock(drawn.times[index] ?? 0)}: ${formatMeasure(drawn.measure, value)}, ${drawn.lines[line]?.short}`;
}

/** One row for each step, one column for each line. */
function lineFiles(drawn: Drawn, data: unknown) {
  return downloads('lines', data, () => ({
    columns: ['time', ...drawn.lines.map((line) => line.name)],
    rows: drawn.times.map((ms, index) => [
      new Date(ms).toISOString(),
      ...drawn.lines.map((line) => line.values[index] ?? null),
    ]),
  }));
}

function dataOf(drawn: Drawn): uPlot.AlignedData {
  return [drawn.times.map((ms) => ms / 1000), ...drawn.lines.map((line) => line.values)];
}
