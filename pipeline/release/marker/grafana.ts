import { httpUrl, isObject, type JsonPlace, requestJson, unexpected } from '../request.ts';
import { isRunId, type MarkerPlace, type OpenMarker } from './place.ts';

/** The tag of every annotation of ours. */
const ourTag = 'hotrod-release';
/** The tag of those that have not ended. Grafana's own answer has an end for every annotation. */
const openTag = 'open';
const runPrefix = 'run:';
const typePrefix = 'type:';

/** How many open annotations are asked for at once. There are never more than a few. */
const mostListed = 100;

/**
 * Annotations of the organisation, which every dashboard with an annotation query for the tag `hotrod-release` shows.
 * https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/annotations/
 *
 * @param token of a service account that may write annotations.
 */
export function createGrafanaPlace(url: string, token: string | undefined): MarkerPlace {
  const place: JsonPlace = {
    url,
    maxBytes: 1024 * 1024,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` }, secrets: [token] }),
  };

  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await requestJson(place, method, path, body);
    if (answer.status !== 200) throw unexpected(place, answer);
    return answer.json;
  }

  return {
    name: `grafana ${httpUrl(url, 'The address of Grafana').origin}`,
    async open(fields, run) {
      const time = fields.start_time * 1000;
      const tags = [ourTag, openTag, `${typePrefix}${fields.type}`, `${runPrefix}${run}`];
      const answer = await send('POST', 'api/annotations', { time, timeEnd: time, tags, text: textOf(fields) });
      const id = isObject(answer) ? Number(answer['id']) : Number.NaN;
      if (!Number.isSafeInteger(id)) throw new Error(`${new URL(url).origin} answered without the id of an annotation`);
      return { ...fields, id: String(id), run };
    },
    async mark(fields) {
      const [time, timeEnd] = [fields.start_time * 1000, (fields.end_time ?? fields.start_time) * 1000];
      const tags = [ourTag, `${typePrefix}${fields.type}`];
      await send('POST', 'api/annotations', { time, timeEnd, tags, text: textOf(fields) });
    },
    async close({ id, run, ...fields }, endTime) {
      const timeEnd = Math.max(endTime, fields.start_time) * 1000;
      const tags = [ourTag, `${typePrefix}${fields.type}`, `${runPrefix}${run}`];
      await send('PATCH', `api/annotations/${encodeURIComponent(id)}`, { timeEnd, tags, text: textOf(fields) });
    },
    async listOpen() {
      const query = new URLSearchParams([
        ['type', 'annotation'],
        ['tags', ourTag],
        ['tags', openTag],
        ['limit', String(mostListed)],
      ]);
      const answer = await send('GET', `api/annotations?${query.toString()}`);
      if (!Array.isArray(answer)) throw new Error(`${new URL(url).origin} answered without a list of annotations`);
      return answer.flatMap((each: unknown) => openMarkerOf(each) ?? []);
    },
  };
}

/** A link is the second line: Grafana shows the text as it is, and its links as links. */
function textOf({ message, url }: { message: string; url?: string }): string {
  return url === undefined ? message : `${message}\n${url}`;
}

function openMarkerOf(annotation: unknown): OpenMarker | null {
  if (!isObject(annotation) || !Array.isArray(annotation['tags'])) return null;
  const tags = annotation['tags'].map(String);
  const after = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const run = after(runPrefix);
  if (run === undefined || !isRunId(run)) return null;
  const [message = '', url] = String(annotation['text']).split('\n');
  return {
    id: String(annotation['id']),
    run,
    message,
    type: after(typePrefix) ?? '',
    start_time: Math.floor(Number(annotation['time']) / 1000),
    ...(url === undefined ? {} : { url }),
  };
}
