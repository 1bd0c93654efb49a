import { useMemo } from 'preact/hooks';
import { type ServiceMap as MapData, serviceMapSchema } from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { quote } from '../../filter/print.ts';
import { conditionOf } from '../state/conditions.ts';
import { TimeControl } from '../query/time-control.tsx';
import { downloads } from '../shell/download.ts';
import { DownloadButton } from '../shell/download-button.tsx';
import { EmptyStore, Failed, Loading } from '../shell/states.tsx';
import { storeIsEmpty } from '../shell/status.tsx';
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent, formatRate } from '../format/number.ts';
import { serviceColours } from '../format/service-colour.ts';
import { range, tick } from '../state/clock.ts';
import { addressOf, afresh, follow } from '../state/location.ts';
import type { State } from '../state/url-state.ts';
import {
  labelWidth,
  layoutMap,
  type MapEdge,
  nodeHeight,
  nodeWidth,
  type PlacedEdge,
  type PlacedNode,
} from './layout.ts';

/** Who calls whom, how often, how well and how fast. */
export function ServiceMap() {
  const { fromMs, toMs } = range.value;
  const answer = useAnswer(serviceMapSchema, apiPath('service-map', { from: fromMs, to: toMs }), tick.value);
  const found = answer.data;
  return (
    <main class="map-page">
      <div class="bar">
        <h1>Service map</h1>
        <span class="grow" />
        <TimeControl />
        {found !== null && found.nodes.length > 0 && <DownloadButton what="the map" files={() => mapFiles(found)} />}
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
          {found.edges.some(({ kind }) => kind === 'link') && <Legend />}
          <Calls map={found} />
        </>
      )}
    </main>
  );
}

/** The view that a node of the map leads to: the spans of a service, or the statements that a database was sent. */
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

/** The view that a line of the map leads to: what one service asks of another, by the caller's spans of the calls. */
function callsOf(edge: MapEdge, map: MapData): Partial<State> {
  const target = map.nodes.find(({ service }) => service === edge.to);
  const caller = conditionOf('service', edge.from);
  if (target !== undefined && target.kind === 'database') {
    const of = spansOf(target);
    return { ...of, filter: `${caller} and ${of.filter ?? ''}` };
  }
  return {
    ...afresh(),
    filter: `service in (${quote(edge.from)}, ${quote(edge.to)}) and kind in ("client", "producer", "server", "consumer")`,
    scope: 'spans',
    view: 'groups',
    by: ['service', 'name'],
  };
}

function Drawing({ map }: { map: MapData }) {
  const layout = useMemo(() => layoutMap(map), [map]);
  const colourOf = coloursOf(map);
  return (
    <div class="panel scroll-x drawing">
      <svg
        viewBox={`0 0 ${layout.width} ${layout.height}`}
        // Shrunk to fit as long as its texts can be read; if it is larger than that, it is scrolled.
        style={{ width: `${layout.width}px`, minWidth: `${0.75 * layout.width}px` }}
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
          <Edge key={keyOf(edge.edge)} placed={edge} to={callsOf(edge.edge, map)} />
        ))}
        {layout.edges.map((edge) => (
          <EdgeLabel key={keyOf(edge.edge)} placed={edge} />
        ))}
        {layout.nodes.map((node) => (
          <Service key={node.node.service} placed={node} colour={colourOf(node.node.service)} />
        ))}
      </svg>
    </div>
  );
}

/** Explains the two kinds of lines. If all lines are calls, it shows nothing. */
function Legend() {
  const line = (kind: MapEdge['kind']) => (
    <svg width="36" height="8" aria-hidden="true">
      <path class="edge" data-kind={kind} d="M1 4H35" style={{ strokeWidth: '2px' }} />
    </svg>
  );
  return (
    <p class="muted map-legend">
      <span>{line('call')} calls</span>
      <span>{line('link')} messages: the receiver's span has a link to the sender's</span>
    </p>
  );
}

function Edge({ placed: { edge, path }, to }: { placed: PlacedEdge; to: Partial<State> }) {
  return (
    // The table below has the same links for the keyboard.
    <a class="call" href={addressOf(to)} tabIndex={-1} onClick={(event: MouseEvent) => follow(event, to)}>
      <path
        class="edge"
        data-kind={edge.kind}
        data-failing={edge.errorRate > 0}
        d={path}
        marker-end="url(#tip)"
        style={{ strokeWidth: `${Math.min(4, 1 + Math.sqrt(edge.ratePerSecond) / 2)}px` }}
      />
      <path class="edge-reach" d={path} />
      <title>{callText(edge)}</title>
    </a>
  );
}

function EdgeLabel({ placed: { edge, label } }: { placed: PlacedEdge }) {
  if (label === null) return null;
  const failing = edge.errorRate > 0;
  const height = failing ? 32 : 18;
  return (
    <g class="edge-label">
      <rect x={label.x - labelWidth / 2} y={label.y - height / 2} width={labelWidth} height={height} rx="3" />
      <text x={label.x} y={label.y + (failing ? -3 : 4)}>
        {formatRate(edge.ratePerSecond)} · p95 {formatDuration(edge.p95Ms)}
      </text>
      {failing && (
        <text x={label.x} y={label.y + 12} class="is-error">
          {formatPercent(edge.errorRate)} errors
        </text>
      )}
      <title>{callText(edge)}</title>
    </g>
  );
}

function keyOf({ from, to, kind }: MapEdge): string {
  return `${from} ${to} ${kind}`;
}

function callText(edge: MapEdge): string {
  const figures = `${formatCount(edge.calls)} times, median ${formatDuration(edge.p50Ms)}, p95 ${formatDuration(edge.p95Ms)}`;
  if (edge.kind === 'link') {
    return `${edge.to} takes messages of ${edge.from}: ${figures}, ${formatPercent(edge.errorRate)} errors as ${edge.to} took them`;
  }
  return `${edge.from} calls ${edge.to}: ${figures}, ${formatPercent(edge.errorRate)} errors as ${edge.from} sees them`;
}

function Service({ placed: { node, x, y }, colour }: { placed: PlacedNode; colour: string }) {
  const left = x - nodeWidth / 2;
  const top = y - nodeHeight / 2;
  const to = spansOf(node);
  // A database is named with its address.
  const [name = '', address] = node.kind === 'database' ? node.service.split(' ') : [node.service];
  return (
    <a
      class="service"
      href={addressOf(to)}
      aria-label={`${node.service}: ${formatRate(node.ratePerSecond)}, p95 ${formatDuration(node.p95Ms)}, ${formatPercent(node.errorRate)} errors`}
      onClick={(event: MouseEvent) => follow(event, to)}
    >
      <title>{`${node.service}: its rate, p95 and errors as it answered`}</title>
      <rect x={left} y={top} width={nodeWidth} height={nodeHeight} rx="5" />
      <path
        d={`M${left + 5} ${top}a5 5 0 0 0-5 5v${nodeHeight - 10}a5 5 0 0 0 5 5h3V${top}z`}
        style={{ fill: colour }}
      />
      <text x={left + 18} y={top + 22} class="name">
        {clipped(name, 18)}
        {address !== undefined && <tspan class="address"> {clipped(address, 12)}</tspan>}
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

function clipped(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function coloursOf(map: MapData): (service: string) => string {
  return serviceColours(map.nodes.map((node) => node.service));
}

function Calls({ map }: { map: MapData }) {
  const colourOf = coloursOf(map);
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
                <th key={name} scope="col" class={name === 'Calls' || name === 'Median' ? 'wide-only' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {map.edges.map((edge) => (
              <tr key={keyOf(edge)}>
                {[edge.from, edge.to].map((service, index) => (
                  <td key={index} class="text">
                    <i class="swatch" style={{ background: colourOf(service) }} />
                    {/* The swatch stays with its name. */ '\u00A0'}
                    {index === 0 ? service : <CallLink edge={edge} map={map} />}
                  </td>
                ))}
                <td class="wide-only">{formatCount(edge.calls)}</td>
                <td>{formatRate(edge.ratePerSecond)}</td>
                <td class={edge.errorRate > 0 ? 'is-error' : undefined}>{formatPercent(edge.errorRate)}</td>
                <td class="wide-only">{formatDuration(edge.p50Ms)}</td>
                <td>{formatDuration(edge.p95Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="muted">
        Errors of a call are those that its caller sees: a refusal such as a 409 is an error for who asked, not for the
        service that answered, so a service may have none where calls to it have some.
      </p>
    </section>
  );
}

function CallLink({ edge, map }: { edge: MapEdge; map: MapData }) {
  const to = callsOf(edge, map);
  return (
    <a
      href={addressOf(to)}
      aria-label={
        edge.kind === 'link' ? `Messages of ${edge.from} for ${edge.to}` : `Calls of ${edge.from} to ${edge.to}`
      }
      onClick={(event: MouseEvent) => follow(event, to)}
    >
      {edge.to}
      {edge.kind === 'link' && ' (messages)'}
    </a>
  );
}

function mapFiles(map: MapData) {
  return downloads('service-map', map, () => ({
    columns: ['from', 'to', 'kind', 'calls', 'rate_per_second', 'error_rate', 'p50_ms', 'p95_ms'],
    rows: map.edges.map((edge) => [
      edge.from,
      edge.to,
      edge.kind,
      edge.calls,
      edge.ratePerSecond,
      edge.errorRate,
      edge.p50Ms,
      edge.p95Ms,
    ]),
  }));
}
