import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

import { type Command, type CommandContext, exitCodes, formatDuration, parseDuration, UsageError } from '../command.ts';
import { httpUrl } from '../request.ts';
import { ensureWritable, type MarkerFile, readMarkerFile, writeMarkerFile } from './marker-file.ts';
import { isRunId, type MarkerPlace } from './place.ts';
import { addressOf, createPlace, keptAddress, type PlaceAddress, placesOf } from './places.ts';
import { abandonedMessage, isAbandoned } from './sweep.ts';

const usage = `Marks a release on the charts: a line when it begins, a window when it has ended.

  release marker open --message TEXT --file PATH [--type deploy] [--url URL] [--run ID] [--to PLACE]…
      begins a marker and prints its id, a line for each place; PATH keeps what close needs
  release marker close --file PATH [--to PLACE]…
      ends it
  release marker sweep [--older-than 1h] [--run ID]… [--except ID]… [--dry-run] [--to PLACE]…
      ends markers of this program that a killed run left open: those that are old enough, or those of the runs named

  --to PLACE     observatory[=URL], honeycomb[=URL], grafana=URL or webhook=URL; may be given several times.
                 Default: MARKER_TO (several parted by blanks or commas), else observatory=http://127.0.0.1:8088
  --run ID       whose marker it is; default CF_BUILD_ID or GITHUB_RUN_ID, else a random one
  --dataset D    of Honeycomb and the Observatory; default __all__, every dataset
  --strict       exit with 1 where a place did not take it; else it is a warning, and the release goes on

  HONEYCOMB_API_KEY         of Honeycomb            GRAFANA_TOKEN    of a Grafana service account
  OBSERVATORY_MARKERS_KEY   if the Observatory      WEBHOOK_TOKEN    sent to the webhook as a bearer token
                            was given one

Exit codes: 0 done, 1 failed, 2 wrong use.
`;

const text = { type: 'string' } as const;
const shared = {
  to: { type: 'string', multiple: true },
  dataset: { type: 'string', default: '__all__' },
  strict: { type: 'boolean', default: false },
} as const;

export const markerCommand: Command = {
  summary: 'draws a release on the charts of the Observatory, Honeycomb, Grafana, or tells a webhook',
  usage,
  async run([command, ...args], context) {
    if (command === 'open') return openMarker(args, context);
    if (command === 'close') return closeMarkers(args, context);
    if (command === 'sweep') return sweepMarkers(args, context);
    throw new UsageError('marker expects open, close or sweep; --help tells more');
  },
};

async function openMarker(args: string[], context: CommandContext): Promise<number> {
  const options = { ...shared, message: text, type: { ...text, default: 'deploy' }, url: text, run: text, file: text };
  const { message, type, url, file, to, dataset, strict, run: givenRun } = parseArgs({ args, options }).values;
  if (!message) throw new UsageError('open needs --message');
  if (!file) throw new UsageError('open needs --file, where close finds what to end');
  if (url !== undefined) httpUrl(url, "The marker's url");
  const run = givenRun ?? runFromEnvironment(context.env) ?? randomBytes(4).toString('hex');
  if (!isRunId(run)) throw new UsageError('--run must have 1 to 64 letters, digits and _ . : -');
  const places = placesOf(to, context.env).map((address) => ({
    address,
    place: createPlace(address, context.env, dataset),
  }));
  ensureWritable(file);
  const fields = { start_time: nowInSeconds(), message, type, ...(url === undefined ? {} : { url }) };
  const outcomes = await Promise.all(
    places.map(async ({ address, place }) => {
      const marker = await warning(context, place, () => place.open(fields, run));
      return marker && { to: keptAddress(address), marker };
    }),
  );
  const markers = outcomes.filter((each) => each !== null);
  // The ids come first: if the file fails all the same, whoever looks after it knows which markers stay open.
  for (const { marker } of markers) if (marker.id !== '') context.stdout(`${marker.id}\n`);
  writeMarkerFile(file, { dataset, markers });
  return codeOf(markers.length === places.length, strict);
}

async function closeMarkers(args: string[], context: CommandContext): Promise<number> {
  const { file: path, to, strict } = parseArgs({ args, options: { ...shared, file: text } }).values;
  if (!path) throw new UsageError('close needs --file');
  const file = readMarkerFile(path);
  const named = placesOf(to, context.env);
  const endTime = nowInSeconds();
  if (file.markers.length === 0) context.stderr('No place took the marker when it was opened: there is none to close.');
  const open: MarkerFile['markers'] = [];
  await Promise.all(
    file.markers.map(async (kept) => {
      const address = addressOf(kept.to, named);
      if (!address) {
        context.stderr(`The ${kept.to.kind} of this marker is not named now; name it with --to or MARKER_TO.`);
        open.push(kept);
        return;
      }
      const place = createPlace(address, context.env, file.dataset);
      const done = await warning(context, place, async () => {
        await place.close(kept.marker, endTime);
        return true;
      });
      if (done === null) open.push(kept);
    }),
  );
  // Markers that could not be closed stay in the file, for another try.
  writeMarkerFile(path, { ...file, markers: open });
  return codeOf(open.length === 0, strict);
}

async function sweepMarkers(args: string[], context: CommandContext): Promise<number> {
  const list = { type: 'string', multiple: true, default: [] as string[] } as const;
  const options = {
    ...shared,
    'older-than': { ...text, default: '1h' },
    run: list,
    except: list,
    'dry-run': { type: 'boolean', default: false },
  } as const;
  const values = parseArgs({ args, options }).values;
  const rule = {
    nowSeconds: nowInSeconds(),
    olderThanSeconds: parseDuration('--older-than', values['older-than']) / 1000,
    runs: values.run,
    except: values.except,
  };
  const results = await Promise.all(
    placesOf(values.to, context.env).map(async (address: PlaceAddress) => {
      const place = createPlace(address, context.env, values.dataset);
      if (!place.listOpen) return true; // a webhook keeps nothing
      const open = await warning(context, place, () => place.listOpen?.() ?? Promise.resolve([]));
      if (open === null) return false;
      let complete = true;
      for (const marker of open.filter((each) => isAbandoned(each, rule))) {
        const age = formatDuration((rule.nowSeconds - marker.start_time) * 1000);
        const line = `${place.name}: ${marker.id} "${marker.message}" of run ${marker.run}, open for ${age}\n`;
        if (values['dry-run']) {
          context.stdout(`would end ${line}`);
          continue;
        }
        // Nobody knows when it ended. It becomes a line at its beginning, not a window of hours.
        const ended = { ...marker, message: abandonedMessage(marker.message) };
        const done = await warning(context, place, async () => {
          await place.close(ended, marker.start_time);
          return true;
        });
        if (done) context.stdout(`ended ${line}`);
        else complete = false;
      }
      return complete;
    }),
  );
  return codeOf(results.every(Boolean), values.strict);
}

/** Runs an exchange with a place. If that fails, it warns and returns null: a marker never stops a release. */
async function warning<T>(context: CommandContext, place: MarkerPlace, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UsageError) throw error;
    context.stderr(`warning: ${place.name} did not take the marker: ${error.message}`);
    return null;
  }
}

function codeOf(complete: boolean, strict: boolean): number {
  return complete || !strict ? exitCodes.done : exitCodes.failed;
}

function runFromEnvironment(env: CommandContext['env']): string | undefined {
  return [env['CF_BUILD_ID'], env['GITHUB_RUN_ID']].find((each) => each !== undefined && isRunId(each));
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
