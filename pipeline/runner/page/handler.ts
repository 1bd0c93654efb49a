import type { IncomingMessage, ServerResponse } from 'node:http';

import { createHostGuard, createSend, readAssets } from '@hotrod/kit/small-page';

import { listRuns, readLog, readRun } from '../record.ts';
import { renderNotFound, renderRun, renderRunList } from './render.ts';

const assets = readAssets(import.meta.url);

/** How much of a log the page shows at first; the rest is behind a link. */
const shownLogBytes = 64 * 1024;
/** How much of a log one answer holds; the page asks again for more. */
const maxLogAnswerBytes = 512 * 1024;
const shownRuns = 50;

/**
 * Serves the runs of a data directory, to be read and not changed:
 *
 * - `/runs`: all of them; `/runs/<id>`: the page of one, live while it runs
 * - `/runs/<id>/run.json`: its record
 * - `/runs/<id>/logs/<file>`: the output of a step; `?from=N` without its first N bytes. The header `x-next` says from
 *   which byte to ask on
 *
 * Everything is read from the disk when it is asked for, so it needs no connection to the runner.
 *
 * @param runsDirectory `<data dir>/runs`; it may be missing.
 * @param hosts further names, without port, under which it is reached; this machine's own are known.
 */
export function createRunPageHandler(
  runsDirectory: string,
  hosts: readonly string[] = [],
): (request: IncomingMessage, response: ServerResponse) => void {
  const refusesHost = createHostGuard(hosts);
  return (request, response) => {
    const send = createSend(request, response, { hasForms: false });
    const html = (status: number, body: string) => send(status, 'text/html; charset=utf-8', body);
    const notFound = (what: string) => html(404, renderNotFound(what));

    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(405, 'text/plain; charset=utf-8', 'The runs can be read, not changed.\n', { allow: 'GET, HEAD' });
    }
    if (refusesHost(request, send)) return undefined;
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    const parts = (url?.pathname ?? '/')
      .split('/')
      .filter((part) => part !== '')
      .map(decoded);
    const [first, id, kind, file, ...more] = parts;
    if (url === null || more.length > 0 || parts.includes(null)) return notFound('page');
    if (first === undefined) return send(302, 'text/plain; charset=utf-8', 'See /runs\n', { location: '/runs' });
    if (first !== 'runs') return notFound('page');
    if (id === undefined || id === null)
      return html(
        200,
        renderRunList(
          listRuns(runsDirectory)
            .slice(0, shownRuns)
            .flatMap((each) => readRun(runsDirectory, each) ?? []),
        ),
      );
    if (id === 'assets' && kind && Object.hasOwn(assets, kind) && file === undefined) {
      const { type, content } = assets[kind as keyof typeof assets];
      return send(200, type, content);
    }
    const run = readRun(runsDirectory, id);
    if (!run) return notFound(`run ${id}`);
    if (kind === undefined)
      return html(
        200,
        renderRun(run, (log) => logEnd(runsDirectory, id, log)),
      );
    if (kind === 'run.json' && file === undefined) {
      return send(200, 'application/json; charset=utf-8', JSON.stringify(run));
    }
    const log = kind === 'logs' && file ? readLog(runsDirectory, id, file) : null;
    if (!log) return notFound('page');
    const from = Math.min(log.length, Math.max(0, Number(url.searchParams.get('from')) || 0));
    const until = url.searchParams.has('from') ? Math.min(log.length, from + maxLogAnswerBytes) : log.length;
    return send(200, 'text/plain; charset=utf-8', log.subarray(from, until), { 'x-next': String(until) });
  };
}

/** The end of a log, from the beginning of a line, and how long all of it is. */
function logEnd(
  runsDirectory: string,
  id: string,
  file: string,
): { text: string; size: number; isWhole: boolean } | null {
  const log = readLog(runsDirectory, id, file);
  if (!log) return null;
  if (log.length <= shownLogBytes) return { text: log.toString(), size: log.length, isWhole: true };
  const end = log.subarray(-shownLogBytes);
  return { text: end.subarray(end.indexOf(10) + 1).toString(), size: log.length, isWhole: false };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
