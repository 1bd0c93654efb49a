/**
 * The dashboards of Grafana, in short: what is asked, in which unit, under which title. `dashboard.ts` makes Grafana's
 * JSON of it, `npm run dashboards` writes it.
 *
 * Metric names are those of the Collector's exporter for Prometheus; tests/deploy/prometheus.test.ts asks a real one every query.
 */

/** One query of a panel. `$__rate_interval` is Grafana's: at least four scrapes. */
export interface Query {
  expr: string;
  legend: string;
}

export interface Panel {
  title: string;
  /** What a reader learns from it. */
  description: string;
  /** A unit of Grafana: `reqps`, `s`, `percentunit`, `bytes`, `short`, … */
  unit: string;
  queries: readonly Query[];
  type?: 'timeseries' | 'stat' | 'heatmap';
  /** Of 24 columns. Default 8. */
  width?: number;
  /** Whether lines are stacked. */
  stacked?: boolean;
  /** A line across the panel: what must not be exceeded. */
  limit?: number;
}

export interface Board {
  uid: string;
  title: string;
  description: string;
  panels: readonly Panel[];
}

const server = 'span_kind="SPAN_KIND_SERVER"';
const dispatch = `service_name="frontend", http_route="/dispatch", ${server}`;
const releases = 'hotrod_dispatch_calls_total{http_route="/dispatch", hotrod_release_customer!=""}';
const rate = (selector: string) => `rate(${selector}[$__rate_interval])`;

function quantile(ratio: number, by: readonly string[], selector: string): string {
  return `histogram_quantile(${ratio}, sum by (${['le', ...by].join(', ')}) (${rate(selector)}))`;
}

export const boards: readonly Board[] = [
  {
    uid: 'rides',
    title: 'Rides',
    description: 'What customers see',
    panels: [
      {
        title: 'Rides per second',
        description: 'Orders that the frontend answers',
        unit: 'reqps',
        queries: [{ expr: `sum(${rate(`traces_span_metrics_calls_total{${dispatch}}`)})`, legend: 'rides' }],
      },
      {
        title: 'Failed',
        description: 'The share of rides that fail; the objective allows 0.5 %',
        unit: 'percentunit',
        limit: 0.005,
        queries: [{ expr: 'slo:bad:ratio_rate1m{slo="dispatch-availability"}', legend: 'failed' }],
      },
      {
        title: 'Slower than 1.2 s',
        description: 'The share of rides that are slow; the objective allows 5 %, the planted bug makes about 9 %',
        unit: 'percentunit',
        limit: 0.05,
        queries: [{ expr: 'slo:bad:ratio_rate1m{slo="dispatch-latency"}', legend: 'slow' }],
      },
      {
        title: 'Rides by duration',
        description: 'Two bands: the upper one is the two slow customers. A point leads to its trace.',
        unit: 's',
        type: 'heatmap',
        width: 24,
        queries: [
          {
            expr: `sum by (le) (increase(traces_span_metrics_duration_seconds_bucket{${dispatch}}[$__rate_interval]))`,
            legend: '{{le}}',
          },
        ],
      },
      {
        title: 'Duration of rides',
        description: 'Half of the rides are faster than the lower line, 95 % than the upper one',
        unit: 's',
        limit: 1.2,
        width: 12,
        queries: [
          { expr: quantile(0.5, [], `traces_span_metrics_duration_seconds_bucket{${dispatch}}`), legend: 'half' },
          { expr: quantile(0.95, [], `traces_span_metrics_duration_seconds_bucket{${dispatch}}`), legend: '95 %' },
        ],
      },
      {
        title: 'Dispatches by outcome',
        description: 'Refused is what the caller is to blame for',
        unit: 'reqps',
        width: 12,
        queries: [
          {
            expr: `sum by (hotrod_dispatch_outcome) (${rate('hotrod_dispatch_count_total')})`,
            legend: '{{hotrod_dispatch_outcome}}',
          },
        ],
      },
    ],
  },
  {
    uid: 'slo',
    title: 'Objectives',
    description: 'How the objectives of slo/hotrod.yaml stand, and how fast their budgets burn',
    panels: [
      {
        title: 'Budget left',
        description: 'Of the day: 100 % is untouched, 0 % used up, below is overspent',
        unit: 'percentunit',
        type: 'stat',
        width: 6,
        queries: [{ expr: 'slo:budget_left:ratio', legend: '{{slo}}' }],
      },
      {
        title: 'Alerts that fire',
        description: 'By name and urgency',
        unit: 'short',
        type: 'stat',
        width: 6,
        queries: [
          {
            expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"}) or vector(0)',
            legend: '{{alertname}} {{severity}}',
          },
        ],
      },
      {
        title: 'Budget left over time',
        description: 'Of the day that ends at each point',
        unit: 'percentunit',
        width: 12,
        queries: [{ expr: 'slo:budget_left:ratio', legend: '{{slo}}' }],
      },
      ...[
        ['dispatch-latency', 'Latency', '95 % within 1.2 s'],
        ['dispatch-availability', 'Availability', '99.5 % without an error'],
      ].map(([slo = '', name = '', promise = '']): Panel => ({
        title: `${name}: burn rate`,
        description: `1 uses the budget up exactly by the end of the day (${promise}); alerts fire at 14.4, 6 and 1`,
        unit: 'short',
        limit: 1,
        width: 12,
        queries: ['1m', '2m', '12m', '144m'].map((window) => ({
          expr: `slo:bad:ratio_rate${window}{slo="${slo}"} / on (slo) (1 - slo:objective:ratio{slo="${slo}"})`,
          legend: window,
        })),
      })),
      {
        title: 'Slow and failed dispatches',
        description: 'What spends the budgets, each second',
        unit: 'reqps',
        width: 24,
        queries: [
          {
            expr: `sum(${rate(`traces_span_metrics_duration_seconds_count{${dispatch}}`)}) - sum(${rate(`traces_span_metrics_duration_seconds_bucket{${dispatch}, le="1.2"}`)})`,
            legend: 'slow',
          },
          {
            expr: `sum(${rate(`traces_span_metrics_calls_total{${dispatch}, status_code="STATUS_CODE_ERROR"}`)}) or vector(0)`,
            legend: 'failed',
          },
        ],
      },
    ],
  },
  {
    uid: 'services',
    title: 'Services',
    description: 'Rate, errors and duration of each service, and of what it asks of others',
    panels: [
      {
        title: 'Requests',
        description: 'What each service is asked, each second',
        unit: 'reqps',
        queries: [{ expr: `sum by (job) (${rate('http_server_request_duration_seconds_count')})`, legend: '{{job}}' }],
      },
      {
        title: 'Failed requests',
        description: 'The share answered with 500 or above',
        unit: 'percentunit',
        queries: [
          {
            expr: `(sum by (job) (${rate('http_server_request_duration_seconds_count{error_type!=""}')}) or 0 * sum by (job) (${rate('http_server_request_duration_seconds_count')})) / sum by (job) (${rate('http_server_request_duration_seconds_count')})`,
            legend: '{{job}}',
          },
        ],
      },
      {
        title: 'Duration, 95 %',
        description: '95 % of the requests to each service are faster',
        unit: 's',
        queries: [{ expr: quantile(0.95, ['job'], 'http_server_request_duration_seconds_bucket'), legend: '{{job}}' }],
      },
      {
        title: 'Duration by route, half and 99 %',
        description: 'Each route of each service',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: quantile(
              0.5,
              ['service_name', 'http_route'],
              `traces_span_metrics_duration_seconds_bucket{${server}}`,
            ),
            legend: '{{service_name}} {{http_route}} half',
          },
          {
            expr: quantile(
              0.99,
              ['service_name', 'http_route'],
              `traces_span_metrics_duration_seconds_bucket{${server}}`,
            ),
            legend: '{{service_name}} {{http_route}} 99 %',
          },
        ],
      },
      {
        title: 'Who asks whom',
        description: 'Requests each second, from the traces',
        unit: 'reqps',
        width: 12,
        queries: [
          {
            expr: `sum by (client, server) (${rate('traces_service_graph_request_total')})`,
            legend: '{{client}} → {{server}}',
          },
        ],
      },
      {
        title: 'Calls to others',
        description: 'What each service asks of other services and of its database, each second',
        unit: 'reqps',
        width: 12,
        queries: [{ expr: 'dependency:calls:rate1m', legend: '{{job}} → {{dependency}}' }],
      },
      {
        title: 'Failing calls',
        description: 'An alert fires where more than 0.2 each second fail for three minutes',
        unit: 'reqps',
        width: 12,
        limit: 0.2,
        queries: [
          {
            expr: 'dependency:failing_calls:rate1m or 0 * dependency:calls:rate1m',
            legend: '{{job}} → {{dependency}}',
          },
        ],
      },
    ],
  },
  {
    uid: 'dispatch',
    title: 'Dispatch',
    description: 'Where the time of a dispatch goes',
    panels: [
      {
        title: 'Time of each phase',
        description: 'The mean of each phase of a dispatch, stacked: together about the whole',
        unit: 's',
        stacked: true,
        width: 24,
        queries: [
          {
            expr: `sum by (span_name) (${rate('traces_span_metrics_duration_seconds_sum{service_name="frontend", span_name=~"GET /customer|GET /nearest-drivers|compute routes|POST /claim"}')}) / on () group_left sum(${rate(`traces_span_metrics_calls_total{${dispatch}}`)})`,
            legend: '{{span_name}}',
          },
        ],
      },
      {
        title: 'Phases, 95 %',
        description: '95 % of each are faster',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: quantile(
              0.95,
              ['span_name'],
              'traces_span_metrics_duration_seconds_bucket{service_name="frontend", span_name=~"GET /customer|GET /nearest-drivers|compute routes|POST /claim"}',
            ),
            legend: '{{span_name}}',
          },
        ],
      },
      {
        title: 'Time in each service, 95 %',
        description: 'As the service itself sees it',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: quantile(0.95, ['service_name'], `traces_span_metrics_duration_seconds_bucket{${server}}`),
            legend: '{{service_name}}',
          },
        ],
      },
      {
        title: 'Slowest customers',
        description: 'Half of the dispatches for each are faster. Two stand out.',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: `topk(5, ${quantile(0.5, ['hotrod_customer_name'], 'hotrod_dispatch_duration_seconds_bucket{hotrod_customer_name!=""}')})`,
            legend: '{{hotrod_customer_name}}',
          },
        ],
      },
      {
        title: 'Time spent computing routes',
        description: 'The ten customers for whom most is computed, seconds each second',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: `topk(10, sum by (hotrod_customer_name) (${rate('hotrod_route_calculation_time_seconds_total')}))`,
            legend: '{{hotrod_customer_name}}',
          },
        ],
      },
    ],
  },
  {
    uid: 'releases',
    title: 'Releases',
    description: 'One release beside the other, by what dispatches say of who served them',
    panels: [
      ...['customer', 'driver', 'route'].map((service): Panel => ({
        title: `Dispatches by release of ${service}`,
        description: 'Which release served how many',
        unit: 'reqps',
        stacked: true,
        queries: [
          {
            expr: `sum by (hotrod_release_${service}) (${rate(releases)})`,
            legend: `{{hotrod_release_${service}}}`,
          },
        ],
      })),
      ...['customer', 'driver', 'route'].map((service): Panel => ({
        title: `Duration by release of ${service}, 95 %`,
        description: 'While two releases of a service serve, two lines; after a fix, a step',
        unit: 's',
        limit: 1.2,
        queries: [
          {
            expr: quantile(
              0.95,
              [`hotrod_release_${service}`],
              `hotrod_dispatch_duration_seconds_bucket{http_route="/dispatch", hotrod_release_${service}!=""}`,
            ),
            legend: `{{hotrod_release_${service}}}`,
          },
        ],
      })),
      {
        title: 'Failed dispatches by release of customer',
        description: 'The share of each release',
        unit: 'percentunit',
        width: 12,
        queries: [
          {
            expr: `(sum by (hotrod_release_customer) (${rate(releases.replace('}', ', status_code="STATUS_CODE_ERROR"}'))}) or 0 * sum by (hotrod_release_customer) (${rate(releases)})) / sum by (hotrod_release_customer) (${rate(releases)})`,
            legend: '{{hotrod_release_customer}}',
          },
        ],
      },
      {
        title: 'Requests by release of each service',
        description: 'By service.version, as the spans of the service tell it',
        unit: 'reqps',
        width: 12,
        queries: [
          {
            expr: `sum by (service_name, service_version) (${rate(`traces_span_metrics_calls_total{${server}}`)})`,
            legend: '{{service_name}} {{service_version}}',
          },
        ],
      },
    ],
  },
  {
    uid: 'database',
    title: 'Database',
    description: 'Pools of connections to Postgres, and what is asked over them',
    panels: [
      {
        title: 'Connections',
        description: 'Used and idle ones of each service',
        unit: 'short',
        stacked: true,
        queries: [
          {
            expr: 'sum by (job, db_client_connection_state) (db_client_connection_count)',
            legend: '{{job}} {{db_client_connection_state}}',
          },
        ],
      },
      {
        title: 'Pool in use',
        description: 'Used connections of those that the pool may have',
        unit: 'percentunit',
        limit: 0.9,
        queries: [
          {
            expr: 'sum by (job) (db_client_connection_count{db_client_connection_state="used"}) / sum by (job) (db_client_connection_max)',
            legend: '{{job}}',
          },
        ],
      },
      {
        title: 'Waiting for a connection',
        description: 'Requests that the pool cannot serve at once',
        unit: 'short',
        queries: [{ expr: 'sum by (job) (db_client_connection_pending_requests)', legend: '{{job}}' }],
      },
      {
        title: 'Statements',
        description: 'Each second, by service and operation',
        unit: 'reqps',
        queries: [
          {
            expr: `sum by (job, db_operation_name) (${rate('db_client_operation_duration_seconds_count')})`,
            legend: '{{job}} {{db_operation_name}}',
          },
        ],
      },
      {
        title: 'Duration of statements, 95 %',
        description: '95 % are faster. The slow customers wait here.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.95, ['job', 'db_operation_name'], 'db_client_operation_duration_seconds_bucket'),
            legend: '{{job}} {{db_operation_name}}',
          },
        ],
      },
      {
        title: 'Failed statements',
        description: 'Each second, by the error of Postgres',
        unit: 'reqps',
        queries: [
          {
            expr: `sum by (job, error_type) (${rate('db_client_operation_duration_seconds_count{error_type!=""}')}) or 0 * sum by (job) (${rate('db_client_operation_duration_seconds_count')})`,
            legend: '{{job}} {{error_type}}',
          },
        ],
      },
    ],
  },
  {
    uid: 'node',
    title: 'Node',
    description: 'The runtime of each service',
    panels: [
      {
        title: 'Event loop busy',
        description: 'A process at 100 % answers nobody in time',
        unit: 'percentunit',
        queries: [{ expr: 'max by (job) (nodejs_eventloop_utilization_ratio)', legend: '{{job}}' }],
      },
      {
        title: 'Event loop, active',
        description: 'Seconds each second',
        unit: 's',
        queries: [
          {
            expr: `sum by (job) (${rate('nodejs_eventloop_time_seconds_total{nodejs_eventloop_state="active"}')})`,
            legend: '{{job}}',
          },
        ],
      },
      {
        title: 'Heap in use',
        description: 'A line that only climbs is a leak',
        unit: 'bytes',
        queries: [{ expr: 'sum by (job) (v8js_memory_heap_used_bytes)', legend: '{{job}}' }],
      },
      {
        title: 'Heap in use by space',
        description: 'Young, old and large objects of all services',
        unit: 'bytes',
        stacked: true,
        queries: [
          { expr: 'sum by (v8js_heap_space_name) (v8js_memory_heap_used_bytes)', legend: '{{v8js_heap_space_name}}' },
        ],
      },
      {
        title: 'Garbage collection',
        description: 'Seconds each second, by kind',
        unit: 's',
        queries: [
          {
            expr: `sum by (job, v8js_gc_type) (${rate('v8js_gc_duration_seconds_sum')})`,
            legend: '{{job}} {{v8js_gc_type}}',
          },
        ],
      },
      {
        title: 'Open resources',
        description: 'Sockets, timers and the like that keep a process alive',
        unit: 'short',
        queries: [{ expr: 'sum by (job) (v8js_resource_active)', legend: '{{job}}' }],
      },
    ],
  },
  {
    uid: 'suite',
    title: 'Suite',
    description: 'Load and the Collector',
    panels: [
      {
        title: 'Load',
        description: 'Virtual users of k6',
        unit: 'short',
        queries: [{ expr: 'max(k6_vus)', legend: 'virtual users' }],
      },
      {
        title: 'Spans through the Collector',
        description: 'In, and out by exporter',
        unit: 'short',
        queries: [
          { expr: `sum(${rate('otelcol_receiver_accepted_spans_total')})`, legend: 'received' },
          {
            expr: `sum by (exporter) (${rate('otelcol_exporter_sent_spans_total')})`,
            legend: 'sent to {{exporter}}',
          },
        ],
      },
      {
        title: 'Memory of the Collector',
        description: 'Resident',
        unit: 'bytes',
        queries: [{ expr: 'otelcol_process_memory_rss_bytes', legend: 'resident' }],
      },
    ],
  },
];
