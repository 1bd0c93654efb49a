import { isObject, type JsonPlace, requestJson, unexpected } from '../request.ts';
import type { Dispatch } from './dispatches.ts';
import {
  type DispatchSource,
  mostDispatches,
  releaseAttribute,
  type ReleasedService,
  type Versions,
} from './source.ts';

/** The entry spans that are dispatches. */
const dispatchFilter = 'service = "frontend" and http.route = "/dispatch"';
/** As many rows as the Observatory gives at once. */
const pageSize = 500;
/** How far back to look for a release, milliseconds; further only if nothing is found. */
const lookBack = [15 * 60_000, 2 * 3_600_000, 24 * 3_600_000, 7 * 24 * 3_600_000];

/**
 * Dispatches as the Observatory tells them, by its API.
 *
 * @param url of its page and API.
 * @param signal ends every question.
 */
export function createObservatorySource(url: string, signal: AbortSignal): DispatchSource {
  const place: JsonPlace = { url, maxBytes: 4 * 1024 * 1024, timeoutMs: 30_000, signal };

  async function ask(path: string, parameters: Record<string, string>): Promise<unknown> {
    const answer = await requestJson(place, 'GET', `api/${path}?${new URLSearchParams(parameters).toString()}`);
    if (answer.status !== 200 || answer.json === undefined) throw unexpected(place, answer);
    return answer.json;
  }

  async function page(filter: string, fromMs: number, toMs: number, limit = pageSize): Promise<Row[]> {
    const range = { from: String(Math.floor(fromMs)), to: String(Math.ceil(toMs)) };
    const rows = await ask('traces', { filter, ...range, sort: 'newest', limit: String(limit) });
    if (!Array.isArray(rows)) throw new Error(`${new URL(url).origin} answered without a list of traces`);
    return rows.map(rowOf);
  }

  return {
    name: `observatory ${new URL(url).origin}`,
    async dispatches(versions, fromMs, toMs, unclaimed) {
      const found = new Map<string, Dispatch>();
      const filter = `${dispatchFilter} and ${servedBy(versions, unclaimed)}`;
      let until = toMs;
      while (found.size < mostDispatches && until > fromMs) {
        const rows = await page(filter, fromMs, until);
        const known = found.size;
        for (const { spanId, ...dispatch } of rows) found.set(spanId, dispatch);
        const last = rows.at(-1);
        if (rows.length < pageSize || found.size === known || !last) break;
        until = Math.floor(last.startMs) + 1; // those of the same millisecond come again
      }
      return [...found.values()].toSorted((a, b) => a.startMs - b.startMs).slice(-mostDispatches);
    },
    async releases(service, fromMs, toMs) {
      const key = releaseAttribute(service);
      for (const back of lookBack) {
        const from = Math.max(fromMs, toMs - back);
        const filter = `${dispatchFilter} and ${key} exists`;
        const answer = await ask('breakdown', { filter, from: String(from), to: String(toMs), by: key, limit: '20' });
        const groups = isObject(answer) && Array.isArray(answer['groups']) ? answer['groups'] : [];
        const versions = groups.flatMap((group: unknown) => versionOf(group) ?? []);
        const releases = await Promise.all(
          versions.map(async (version) => {
            const [last] = await page(`${dispatchFilter} and ${equals(service, version)}`, from, toMs, 1);
            return { version, lastMs: last?.startMs ?? from };
          }),
        );
        if (releases.length > 0 || from === fromMs) return releases.toSorted((a, b) => b.lastMs - a.lastMs);
      }
      return [];
    },
    compareLink({ baseline, candidate }, ranges) {
      const services = Object.keys(candidate) as ReleasedService[];
      const either = services.map((service) => {
        const versions = [baseline[service], candidate[service]].filter((version) => version !== undefined);
        return `${releaseAttribute(service)} in (${versions.map((version) => JSON.stringify(version)).join(', ')})`;
      });
      const [from, to] = [Math.floor(ranges.candidate.fromMs), Math.ceil(ranges.candidate.toMs)];
      const link = new URL(url);
      // The box selects the new release. The page then says how it differs from the rest, which is the one before.
      link.search = new URLSearchParams({
        from: String(Math.floor(ranges.baseline.fromMs)),
        to: String(to),
        filter: [dispatchFilter, ...either].join(' and '),
        box: `${from},${to},,`,
      }).toString();
      return link.href;
    },
    limitsMs: () => null,
  };
}

function servedBy(versions: Versions, unclaimed: boolean): string {
  const services = Object.entries(versions) as [ReleasedService, string][];
  const served = services.map(([service, version]) => equals(service, version)).join(' and ');
  if (!unclaimed) return `(${served})`;
  const nobody = services.map(([service]) => `not ${releaseAttribute(service)} exists`).join(' and ');
  return `((${served}) or (${nobody} and error = true))`;
}

function equals(service: ReleasedService, version: string): string {
  return `${releaseAttribute(service)} = ${JSON.stringify(version)}`;
}

type Row = Dispatch & { spanId: string };

function rowOf(row: unknown): Row {
  if (!isObject(row) || typeof row['spanId'] !== 'string' || !isObject(row['highlights'])) {
    throw new Error('The Observatory answered with a trace that it does not describe');
  }
  const { spanId, startNs, durationMs, error, highlights } = row;
  const status = Number(highlights['http.response.status_code']);
  return {
    spanId,
    startMs: Number(BigInt(String(startNs)) / 1000n) / 1000,
    durationMs: Number(durationMs),
    customer: typeof highlights['hotrod.customer.name'] === 'string' ? highlights['hotrod.customer.name'] : 'unknown',
    failed: error === true || status >= 400,
  };
}

/** The one release that a group of a breakdown stands for; null if several served its dispatches. */
function versionOf(group: unknown): string | null {
  const version = isObject(group) && Array.isArray(group['values']) ? (group['values'] as unknown[])[0] : undefined;
  return typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version) ? version : null;
}
