import type { IncomingMessage, ServerResponse } from 'node:http';

import { createHostGuard, createSend, readAssets } from '@hotrod/kit/small-page';
import { isFromOwnPage } from '@hotrod/kit/strangers';

import { prepareFlagFile, readFlagFile, writeFlagFile } from '../flag-file.ts';
import { drawMystery, type FlagSet, NoSuchFlagError, switchOff, switchOn, switchToDefault } from '../flag-set.ts';
import { readManifests } from '../manifest.ts';
import { renderFaults, renderProblem } from './render.ts';

const assets = readAssets(import.meta.url);
const assetPath = /^\/faults\/assets\/(page\.css|page\.js)$/;

/** The longest form that is read. A form of the page is shorter. */
const maxFormBytes = 4 * 1024;

/** Whether a request is one for the page of faults, on a server that has other pages, too. */
export function isFaultPage(url: string | undefined): boolean {
  return /^\/faults(?![\w-])/.test(url ?? '');
}

/**
 * Serves the page on which faults are switched:
 *
 * - `GET /faults`: what there is, and how it stands; `?reveal` tells which one was drawn as a mystery
 * - `POST /faults`: a form with `do`: `set` a `flag` to a `variant` (of its own, `off`, or `default`: as configured), all
 *   `off`, all `default`, `mystery`, `restore` the file. Answered with the way back to the page. Only the page itself may
 *   send it: a browser says whose form it is.
 *
 * The file is read when it is asked for, so the page shows what the command line and an editor have done, too.
 *
 * @param options.flagFile the file of flags that the services watch.
 * @param options.observatory where a signature can be looked at; null without an Observatory.
 * @param options.hosts further names, without port, under which it is reached; this machine's own are known.
 * @param options.random from 0 to below 1, for the mystery.
 */
export function createFaultPageHandler(options: {
  flagFile: string;
  observatory: string | null;
  hosts?: readonly string[];
  random?: () => number;
}): (request: IncomingMessage, response: ServerResponse) => void {
  const { flagFile, observatory, hosts = [], random = Math.random } = options;
  const manifests = readManifests();
  const refusesHost = createHostGuard(hosts);
  const switches: Readonly<Record<string, (set: FlagSet, form: URLSearchParams) => FlagSet>> = {
    set(set, form) {
      const flag = form.get('flag') ?? '';
      const variant = form.get('variant') ?? '';
      if (variant === 'default') return switchToDefault(set, flag);
      return variant === 'off' ? switchOff(set, flag) : switchOn(set, flag, { variant });
    },
    off: (set) => switchOff(set),
    default: (set) => switchToDefault(set),
    mystery: (set) => drawMystery(set, [...manifests.keys()], random()),
  };

  return (request, response) => {
    const send = createSend(request, response, { hasForms: true });
    const html = (status: number, body: string) => send(status, 'text/html; charset=utf-8', body);
    const plain = (status: number, body: string, more: Record<string, string> = {}) =>
      send(status, 'text/plain; charset=utf-8', `${body}\n`, more);
    /** Shows on the page whatever is wrong with the file, and a way out. */
    const orProblem = (work: () => void) => {
      try {
        work();
      } catch (error) {
        const isWrongCall = error instanceof NoSuchFlagError;
        const said = error instanceof Error ? error.message : String(error);
        html(isWrongCall ? 400 : 500, renderProblem(said, { canRestore: !isWrongCall }));
      }
    };

    if (refusesHost(request, send)) return undefined;
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    const assetName = assetPath.exec(url?.pathname ?? '')?.[1];
    const asset = assetName === undefined ? undefined : assets[assetName as keyof typeof assets];
    if (request.method === 'GET' || request.method === 'HEAD') {
      if (asset) return send(200, asset.type, asset.content);
      if (url?.pathname !== '/faults') return plain(404, 'There is nothing here. The faults are at /faults.');
      return orProblem(() =>
        html(
          200,
          renderFaults(readFlagFile(flagFile), manifests, { observatory, isRevealed: url.searchParams.has('reveal') }),
        ),
      );
    }
    if (request.method !== 'POST' || url?.pathname !== '/faults') {
      return plain(405, 'The page can be read, and its own form sent.', { allow: 'GET, HEAD' });
    }
    if (!isFromOwnPage(request.headers)) {
      return plain(
        403,
        'Faults are switched by the page itself, or by "npm run faults". No other page may send this. A proxy in front of it must pass the Host header on.',
      );
    }
    readForm(request, (form) => {
      if (form === null) return plain(413, 'This is longer than any form of the page.');
      orProblem(() => {
        const what = form.get('do') ?? '';
        if (what === 'restore') prepareFlagFile(flagFile);
        else if (Object.hasOwn(switches, what) && switches[what])
          writeFlagFile(flagFile, switches[what](readFlagFile(flagFile), form));
        else throw new NoSuchFlagError(`"${what}" is nothing that the page can do.`);
        const flag = form.get('flag');
        plain(303, 'See the faults.', { location: flag === null ? '/faults' : `/faults#${flag}` });
      });
    });
  };
}

/** @param done gets null if the form is too long. */
function readForm(request: IncomingMessage, done: (form: URLSearchParams | null) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let isTooLong = false;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    isTooLong ||= size > maxFormBytes;
    if (!isTooLong) chunks.push(chunk);
  });
  request.on('end', () => done(isTooLong ? null : new URLSearchParams(Buffer.concat(chunks).toString())));
  request.on('error', () => {}); // whoever sent it has gone
}
