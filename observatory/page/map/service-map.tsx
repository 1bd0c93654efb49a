import { useMemo } from 'preact/hooks';
import type { ServiceMap as MapData } from '../../api/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { conditionOf } from '../state/conditions.ts';
import { TimeControl } from '../query/time-control.tsx';
import { downloads } from '../shell/download.ts';
import { openMenu } from '../shell/menu.tsx';
import { EmptyStore, Failed, Loading } from '../shell/states.tsx';
import { storeIsEmpty } from '../shell/status.tsx';
import { formatDuration } from '../show/duration.ts';
import { formatCount, formatPercent, formatRate } from '../show/number.ts';
import { serviceColour } from '../show/service-colour.ts';
import { range, tick } from '../state/clock.ts';
import { addressOf, afresh, follow } from '../state/location.ts';
import type { State } from '../state/url-state.ts';
import { layoutMap, nodeHeight, nodeWidth, type PlacedEdge, type PlacedNode } from './layout.ts';

/** Who calls whom, how often, how well and how fast. */
export function ServiceMap() {
  const { fromMs, toMs } = range.value;
  const answer = useAnswer<MapData>(apiPath('service-map', { from: fromMs, to: toMs }), tick.value);
  const found = answer.data;
  return (
    <main class="map-page">
      <div class="bar">
        <h1>Service map</h1>
        <span class="grow" />
        <TimeControl />
        {found !== null && found.nodes.length > 0 && (
          <button
            type="button"
            aria-haspopup="menu"
            onClick={(event) => openMenu(event.currentTarget, 'Download the map', mapFiles(found))}
          >
            Download
          </button>
        )}
      </div>
      {answer.failure !== null && found === null ? (
        <Failed failure={answer.failure} />
      ) : found === null ? (
        <Loading what="Drawing the map" />
      ) : found.nodes.length === 0 ? (
        storeIsEmpty.value ? (
          <EmptyStore />
        ) : (
          <p class="state">No service sent a span in this time range.</p>
        )
      ) : (
        <>
          <Drawing map={found} />
          <Calls map={found} />
        </>
      )}
    </main>
  );
}

/** Out of the map: to the spans of a service, or to the statements that a database was sent. */
function spansOf({ service, kind }: MapData['nodes'][number]): Partial<State> {
  if (kind === 'database') {
    const [system = '', address] = service.split(' ');
    const filter = [
      conditionOf('db.system.name', system),
      ...(address === undefined ? [] : [conditionOf('server.address', address)]),
    ].join(' and ');
    return { ...afresh(), filter, scope: 'spans', view: 'groups', by: ['db.query.text'] };
  }
  return { ...afresh(), filter: conditionOf('service', service), scope: 'spans', view: 'groups', by: ['name'] };
}

function Drawing({ map }: { map: MapData }) {
  const layout = useMemo(() => layoutMap(map), [map]);
  return (
    <div class="panel scroll-x drawing">
      <svg
        viewBox={`0 0 ${layout.width} ${layout.height}`}
        style={{ width: `${layout.width}px`, minWidth: `${Math.min(layout.width, 640)}px` }}
        role="group"
        aria-label="Services and their calls; the table below says the same in words"
      >
        <defs>
          <marker
            id="tip"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="12"
            markerHeight="12"
            markerUnits="userSpaceOnUse"
            orient="auto-start-reverse"
          >
            <path d="M0 0 8 4 0 8z" />
          </marker>
        </defs>
        {layout.edges.map((edge) => (
          <Edge key={`${edge.edge.from} ${edge.edge.to}`} placed={edge} />
        ))}
        {layout.edges.map((edge) => (
          <EdgeLabel key={`${edge.edge.from} ${edge.edge.to}`} placed={edge} />
        ))}
        {layout.nodes.map((node) => (
          <Service key={node.node.service} placed={node} />
        ))}
      </svg>
    </div>
  );
}

/** Where along a call its label stands: past the middle, where the lines of one caller have parted. */
const labelAt = 0.6;

function geometry({ from, to, back }: PlacedEdge): { path: string; x: number; y: number } {
  const side = (nodeWidth / 2) * (back ? -1 : 1);
  const start = from.x + side;
  const end = to.x - side - (back ? 0 : 2);
  const bend = back ? -Math.max(60, Math.abs(end - start) / 3) : (end - start) / 2;
  const path = `M${start} ${from.y}C${start + bend} ${from.y} ${end - bend} ${to.y} ${end} ${to.y}`;
  const bezier = (a: number, b: number, c: number, d: number): number => {
    const t = labelAt;
    return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3;
  };
  return { path, x: bezier(start, start + bend, end - bend, end), y: bezier(from.y, from.y, to.y, to.y) };
}

function Edge({ placed }: { placed: PlacedEdge }) {
  const { edge } = placed;
  return (
    <path
      class="edge"
      data-failing={edge.errorRate > 0}
      d={geometry(placed).path}
      marker-end="url(#tip)"
      style={{ strokeWidth: `${Math.min(4, 1 + Math.sqrt(edge.ratePerSecond) / 2)}px` }}
    />
  );
}

function EdgeLabel({ placed }: { placed: PlacedEdge }) {
  const { edge } = placed;
  const { x, y } = geometry(placed);
  // On a level line one text stands above it and the other below, not in it.
  const level = Math.abs(placed.to.y - placed.from.y) < 12;
  const failing = edge.errorRate > 0;
  return (
    <g class="edge-label">
      <text x={x} y={y + (level ? -8 : failing ? -3 : 4)}>
        {formatRate(edge.ratePerSecond)} · p95 {formatDuration(edge.p95Ms)}
      </text>
      {failing && (
        <text x={x} y={y + (level ? 17 : 13)} class="is-error">
          {formatPercent(edge.errorRate)} errors
        </text>
      )}
      <title>{`${edge.from} calls ${edge.to}: ${formatCount(edge.calls)} times, median ${formatDuration(edge.p50Ms)}, p95 ${formatDuration(edge.p95Ms)}, ${formatPercent(edge.errorRate)} errors`}</title>
    </g>
  );
}

function Service({ placed: { node, x, y } }: { placed: PlacedNode }) {
  const left = x - nodeWidth / 2;
  const top = y - nodeHeight / 2;
  const to = spansOf(node);
  return (
    <a
      class="service"
      href={addressOf(to)}
      aria-label={`${node.service}: ${formatRate(node.ratePerSecond)}, p95 ${formatDuration(node.p95Ms)}, ${formatPercent(node.errorRate)} errors`}
      onClick={(event: MouseEvent) => follow(event, to)}
    >
      <rect x={left} y={top} width={nodeWidth} height={nodeHeight} rx="5" />
      <path
        d={`M${left + 5} ${top}a5 5 0 0 0-5 5v${nodeHeight - 10}a5 5 0 0 0 5 5h3V${top}z`}
        style={{ fill: serviceColour(node.service) }}
      />
      <text x={left + 18} y={top + 22} class="name">
        {node.service.length > 18 ? `${node.service.slice(0, 17)}…` : node.service}
      </text>
      <text x={left + 18} y={top + 42}>
        {formatRate(node.ratePerSecond)} · p95 {formatDuration(node.p95Ms)}
      </text>
      <text x={left + 18} y={top + 60} class={node.errorRate > 0 ? 'is-error' : 'muted'}>
        {node.errorRate > 0
          ? `${formatPercent(node.errorRate)} errors`
          : node.kind === 'service'
            ? 'no errors'
            : node.kind}
      </text>
    </a>
  );
}

function Calls({ map }: { map: MapData }) {
  return (
    <section class="panel">
      <div class="scroll-x">
        <table class="table num">
          <caption class="only-heard">Calls between services</caption>
          <thead>
            <tr>
              {['From', 'To'].map((name) => (
                <th key={name} scope="col" class="text">
                  {name}
                </th>
              ))}
              {['Calls', 'Rate', 'Errors', 'Median', 'p95'].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {map.edges.map((edge) => (
              <tr key={`${edge.from} ${edge.to}`}>
                {[edge.from, edge.to].map((service, index) => (
                  <td key={index} class="text">
                    <i class="swatch" style={{ background: serviceColour(service) }} /> {service}
                  </td>
                ))}
                <td>{formatCount(edge.calls)}</td>
                <td>{formatRate(edge.ratePerSecond)}</td>
                <td class={edge.errorRate > 0 ? 'is-error' : undefined}>{formatPercent(edge.errorRate)}</td>
                <td>{formatDuration(edge.p50Ms)}</td>
                <td>{formatDuration(edge.p95Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function mapFiles(map: MapData) {
  return downloads('service-map', map, () => ({
    columns: ['from', 'to', 'calls', 'rate_per_second', 'error_rate', 'p50_ms', 'p95_ms'],
    rows: map.edges.map((edge) => [
      edge.from,
      edge.to,
      edge.calls,
      edge.ratePerSecond,
      edge.errorRate,
      edge.p50Ms,
      edge.p95Ms,
    ]),
  }));
}
