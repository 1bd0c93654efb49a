import type { Board, Panel } from './boards.ts';

const datasource = { type: 'prometheus', uid: 'prometheus' };

/** Okabe and Ito's, as everywhere: a service has one colour. */
const serviceColors = { frontend: '#0072B2', customer: '#D55E00', driver: '#009E73', route: '#CC79A7' } as const;

/** A release that begins to serve: a line, without any token. */
const releaseAnnotation = {
  name: 'Releases',
  datasource,
  enable: true,
  iconColor: '#56B4E9',
  expr: 'sum by (service_name, service_version) (rate(traces_span_metrics_calls_total{span_kind="SPAN_KIND_SERVER"}[1m])) > 0 unless sum by (service_name, service_version) (rate(traces_span_metrics_calls_total{span_kind="SPAN_KIND_SERVER"}[1m] offset 30s)) > 0',
  step: '15s',
  titleFormat: 'Release',
  textFormat: '{{service_name}} {{service_version}}',
};

/** What `release marker --to grafana` leaves in Grafana itself, with a link to the pipeline's run. */
const markerAnnotation = {
  name: 'Markers',
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  iconColor: '#E69F00',
  target: { type: 'tags', tags: ['hotrod-release'], matchAny: true, limit: 100 },
};

const columns = 24;
const height = 8;

/** A dashboard as Grafana reads it, JSON of schema version 41. */
export function dashboard(board: Board): object {
  let x = 0;
  let y = 0;
  const panels = board.panels.map((panel, index) => {
    const width = panel.width ?? 8;
    if (x + width > columns) [x, y] = [0, y + height];
    const gridPos = { x, y, w: width, h: height };
    x += width;
    return { id: index + 1, ...panelOf(panel), gridPos };
  });
  return {
    uid: board.uid,
    title: board.title,
    description: board.description,
    tags: ['hotrod'],
    timezone: 'browser',
    schemaVersion: 41,
    version: 1,
    editable: false,
    refresh: '5s',
    time: { from: 'now-15m', to: 'now' },
    graphTooltip: 1,
    links: [
      {
        type: 'dashboards',
        title: 'Dashboards',
        tags: ['hotrod'],
        asDropdown: true,
        includeVars: false,
        keepTime: true,
      },
    ],
    templating: { list: [] },
    annotations: { list: [releaseAnnotation, markerAnnotation] },
    panels,
  };
}

function panelOf(panel: Panel): object {
  const type = panel.type ?? 'timeseries';
  const isHeatmap = type === 'heatmap';
  return {
    title: panel.title,
    description: panel.description,
    type,
    datasource,
    fieldConfig: { defaults: defaultsOf(panel), overrides: isHeatmap ? [] : colors() },
    options: optionsOf(type),
    targets: panel.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
      exemplar: /_bucket\b/.test(expr),
      ...(type === 'stat' ? { instant: true, range: false } : { range: true }),
      ...(isHeatmap ? { format: 'heatmap' } : {}),
    })),
  };
}

function defaultsOf({ unit, stacked, limit, type }: Panel): object {
  if (type === 'heatmap') return { unit, min: 0 };
  if (type === 'stat') return { unit };
  const custom = {
    ...(stacked ? { stacking: { mode: 'normal', group: 'A' }, fillOpacity: 30 } : {}),
    ...(limit === undefined ? {} : { thresholdsStyle: { mode: 'dashed' } }),
  };
  const steps = [
    { color: 'transparent', value: null },
    { color: '#D55E00', value: limit },
  ];
  return { unit, custom, ...(limit === undefined ? {} : { thresholds: { mode: 'absolute', steps } }) };
}

function optionsOf(type: NonNullable<Panel['type']>): object {
  if (type === 'heatmap') {
    return {
      calculate: false,
      cellGap: 0,
      color: { mode: 'scheme', scheme: 'Viridis', steps: 64, reverse: false },
      yAxis: { unit: 's' },
      exemplars: { color: '#D55E00' },
      tooltip: { mode: 'single' },
      legend: { show: true },
    };
  }
  if (type === 'stat') return { colorMode: 'none', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } };
  return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } };
}

/** Lines that begin with a service's name, or with its job's. */
function colors(): object[] {
  return Object.entries(serviceColors).map(([service, fixedColor]) => ({
    matcher: { id: 'byRegexp', options: `/^(hotrod\\/)?${service}$/` },
    properties: [{ id: 'color', value: { mode: 'fixed', fixedColor } }],
  }));
}
