import type { Release, ReleaseFigures, ReleaseVerdict } from '../../contract/contract.ts';
import { createBinder } from '../sql.ts';
import { askRows, nanoseconds, type Asking } from './population.ts';

/** More releases than anybody reads. */
const mostReleases = 200;
/** As many markers as are looked through for verdicts. */
const mostVerdicts = 1_000;
/** How much of the end of one release and of the beginning of the next is compared, milliseconds. */
const windowMs = 600_000;

interface Row {
  service: string;
  version: string;
  previous: string | null;
  first_ms: number;
  last_ms: number;
  requests: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
  began_requests: number;
  began_errors: number;
  began_p50_ms: number;
  began_p95_ms: number;
  ended_requests: number | null;
  ended_errors: number;
  ended_p50_ms: number;
  ended_p95_ms: number;
}

/** The releases of every service that sends its `service.version`, the latest first, with their verdicts. */
export async function askReleases(asking: Asking, fromMs: number, toMs: number): Promise<Release[]> {
  const binder = createBinder();
  const rows = await askRows<Row>(asking, 'releases', binder, {
    from: binder.bind(nanoseconds(fromMs)),
    to: binder.bind(nanoseconds(toMs)),
    window: binder.bind(nanoseconds(windowMs)),
    limit: binder.bind(mostReleases),
  });
  const verdicts = rows.length === 0 ? new Map<string, ReleaseVerdict>() : await askVerdicts(asking);
  return rows.map((row) => ({
    service: row.service,
    version: row.version,
    firstMs: row.first_ms,
    lastMs: row.last_ms,
    ratePerSecond: row.requests / Math.max(1, (row.last_ms - row.first_ms) / 1000),
    ...figures(row.requests, row.errors, row.p50_ms, row.p95_ms),
    began: figures(row.began_requests, row.began_errors, row.began_p50_ms, row.began_p95_ms),
    before:
      row.previous === null
        ? null
        : {
            version: row.previous,
            ended:
              row.ended_requests === null
                ? null
                : figures(row.ended_requests, row.ended_errors, row.ended_p50_ms, row.ended_p95_ms),
          },
    verdict: verdicts.get(`${row.service} ${row.version}`) ?? null,
  }));
}

function figures(requests: number, errors: number, p50Ms: number, p95Ms: number): ReleaseFigures {
  return { requests, errors, errorRate: errors / requests, p50Ms, p95Ms };
}

/** The latest verdict of each release, by service and version. */
async function askVerdicts(asking: Asking): Promise<Map<string, ReleaseVerdict>> {
  const binder = createBinder();
  const rows = await askRows<{ message: string; url: string | null; at_ms: bigint }>(
    asking,
    'release-verdicts',
    binder,
    { limit: binder.bind(mostVerdicts) },
  );
  const verdicts = new Map<string, ReleaseVerdict>();
  for (const { message, url, at_ms } of rows) {
    const parsed = parseVerdict(message);
    if (!parsed || verdicts.has(parsed.release)) continue;
    const { verdict, summary } = parsed;
    verdicts.set(parsed.release, { verdict, summary, url, atMs: Number(at_ms) });
  }
  return verdicts;
}

/**
 * The message of a verdict's marker: `better: customer 0.1.0+1a2b3c4: p95 …`. In Honeycomb's API a marker has no fields
 * for a verdict. As a message it also reads well in another viewer.
 */
export function parseVerdict(
  message: string,
): (Pick<ReleaseVerdict, 'verdict' | 'summary'> & { release: string }) | null {
  const match = /^(better|same|worse|inconclusive): ([\w.-]{1,128}) ([\w.+-]{1,64}): (.*)$/s.exec(message);
  if (!match) return null;
  const [, verdict, service, version, summary = ''] = match;
  return { verdict: verdict as ReleaseVerdict['verdict'], release: `${service} ${version}`, summary };
}
