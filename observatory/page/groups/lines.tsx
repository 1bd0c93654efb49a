/** Lines over time: one a group, or the percentiles of all where nothing is grouped. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Breakdown, Marker, Measure, Percentiles } from '../../api/contract.ts';
import { useAnswer, type Answer } from '../api/use-answer.ts';
import { Failed, Loading } from '../shell/states.tsx';
import { Markers } from '../heatmap/markers.tsx';
import { hoveredFilter } from '../state/hovered.ts';
import { range, tick } from '../state/clock.ts';
import { state } from '../state/location.ts';
import { percentilesPath } from '../state/questions.ts';
import { useScheme, useSize } from '../show/use-size.ts';
import { KeyLine } from './key-line.tsx';
import { lineStyles, linesShown, lookOf } from './line-style.ts';
import { axisWidth, plotOptions, rightRoom, type Drawn, type Line } from './plot.ts';

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
  const answer = useAnswer<Percentiles>(percentilesPath(state.value, range.value), tick.value);
  const { measure } = state.value;
  const drawn = useMemo(() => (answer.data === null ? null : linesOfAll(answer.data, measure)), [answer.data, measure]);
  return <Shown answer={answer} drawn={drawn} markers={markers} />;
}

function Shown(props: { answer: Answer<unknown>; drawn: Drawn | null; markers: Marker[] }) {
  const { answer, drawn, markers } = props;
  if (answer.failure !== null && (answer.failure.status !== 0 || drawn === null)) {
    return <Failed failure={answer.failure} filter={state.value.filter} />;
  }
  if (drawn === null) return <Loading what="Drawing the lines" />;
  if (drawn.lines.length === 0 || drawn.times.length === 0) return <p class="state">No spans, so no lines.</p>;
  return <Plot drawn={drawn} markers={markers} />;
}

function linesOfGroups(found: Breakdown): Drawn {
  const styles = lineStyles(found.by, found.groups.slice(0, linesShown));
  const lines = found.groups.flatMap((group, index) =>
    group.series === undefined
      ? []
      : [
          {
            name: group.values.map((value) => value ?? 'missing').join(' · '),
            style: styles.get(group.filter) ?? lookOf(index),
            values: group.series,
            filter: group.filter,
          },
        ],
  );
  return { times: found.times, stepMs: found.stepMs, lines, measure: found.measure };
}

/** Of all spans together: how many, how many failed, or three percentiles of how long they took. */
function linesOfAll(found: Percentiles, measure: Measure): Drawn {
  const { times, stepMs, count, errors } = found;
  const line = (index: number, name: string, values: (number | null)[]): Line => ({
    name,
    style: lookOf(index),
    values,
    filter: '',
  });
  if (measure === 'count') return { times, stepMs, measure, lines: [line(0, 'Spans', count)] };
  if (measure === 'errorRate') {
    const rates = count.map((spans, index) => (spans === 0 ? null : (errors[index] ?? 0) / spans));
    return { times, stepMs, measure, lines: [line(0, 'Error rate', rates)] };
  }
  const lines = [line(0, 'Median', found.p50Ms), line(1, 'p95', found.p95Ms), line(3, 'p99', found.p99Ms)];
  return { times, stepMs, measure: 'p50', lines };
}

function Plot({ drawn, markers }: { drawn: Drawn; markers: Marker[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const size = useSize(frame);
  const scheme = useScheme();
  const shape = drawn.lines.map((line) => `${line.name}|${line.style.css}|${line.style.dash.join()}`).join('\n');
  const latest = useRef(drawn);
  latest.current = drawn;
  useEffect(() => {
    const element = frame.current;
    if (element === null || size.width === 0) return undefined;
    const chart = new uPlot(
      plotOptions(drawn, size, element, () => latest.current),
      dataOf(drawn),
      element,
    );
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
  const end = (drawn.times.at(-1) ?? 0) + drawn.stepMs;
  const inner = { width: Math.max(0, size.width - axisWidth - rightRoom), height: size.height - 50 };
  return (
    <>
      <div
        class="lines"
        ref={frame}
        role="img"
        aria-label={`Lines over time: ${drawn.lines.map((line) => line.name).join('; ')}`}
      >
        <div class="plot-markers" style={{ left: `${axisWidth}px`, width: `${inner.width}px` }}>
          <Markers markers={markers} from={drawn.times[0] ?? 0} to={end} size={inner} />
        </div>
      </div>
      {state.value.by.length === 0 && (
        <p class="line-names">
          {drawn.lines.map((line) => (
            <span key={line.name}>
              <KeyLine style={line.style} /> {line.name}
            </span>
          ))}
        </p>
      )}
      <p class="hint">Click a point for a typical trace of its line. Drag across to look closer.</p>
    </>
  );
}

function dataOf(drawn: Drawn): uPlot.AlignedData {
  return [drawn.times.map((ms) => ms / 1000), ...drawn.lines.map((line) => line.values)];
}
