import { parseArgs } from 'node:util';

import { ensureWritable, readMarkerFile, writeMarkerFile } from './marker-file.ts';
import { closeMarker, createMarker, InvalidInputError, type MarkerApi } from './marker.ts';

const usage = `Marks a release on the charts of Honeycomb or of the Observatory.

  node pipeline/marker/main.ts open --message TEXT [--type deploy] [--url URL] [--dataset __all__] [--file PATH]
      begins a marker and prints its id; PATH keeps it, for close
  node pipeline/marker/main.ts close --file PATH
      ends it now

  HONEYCOMB_API_KEY   the key; the Observatory needs one only where it was given one
  MARKER_API_HOST     default http://127.0.0.1:8088; of Honeycomb https://api.honeycomb.io

Exit codes: 0 done, 1 failed, 2 wrong use.
`;

const text = { type: 'string' } as const;

async function open(args: string[], api: MarkerApi): Promise<void> {
  const { message, type, url, dataset, file } = parseArgs({
    args,
    options: {
      message: text,
      type: { ...text, default: 'deploy' },
      url: text,
      dataset: { ...text, default: '__all__' },
      file: text,
    },
  }).values;
  if (!message) throw new InvalidInputError('open needs --message');
  if (file === '') throw new InvalidInputError('--file needs a path');
  if (file !== undefined) ensureWritable(file);
  const fields = { start_time: nowInSeconds(), message, type, ...(url === undefined ? {} : { url }) };
  const marker = await createMarker(api, dataset, fields);
  // First the id: should the file fail all the same, whoever looks after it knows which marker stays open.
  process.stdout.write(`${marker.id}\n`);
  if (file !== undefined) writeMarkerFile(file, marker);
}

async function close(args: string[], api: MarkerApi): Promise<void> {
  const { file } = parseArgs({ args, options: { file: text } }).values;
  if (!file) throw new InvalidInputError('close needs --file');
  writeMarkerFile(file, await closeMarker(api, readMarkerFile(file), nowInSeconds()));
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

async function run([command, ...args]: string[]): Promise<void> {
  const key = process.env['HONEYCOMB_API_KEY'];
  const api = {
    host: process.env['MARKER_API_HOST'] || 'http://127.0.0.1:8088',
    ...(key ? { key } : {}),
  };
  if ([command, ...args].some((each) => each === '--help' || each === '-h')) process.stdout.write(usage);
  else if (command === 'open') await open(args, api);
  else if (command === 'close') await close(args, api);
  else throw new InvalidInputError('expected open or close; --help tells more');
}

/** parseArgs says what is wrong with arguments by errors of its own. */
function isWrongUse(error: Error): boolean {
  return error instanceof InvalidInputError || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'));
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`marker: ${error.message.replaceAll(/\s+/g, ' ')}\n`);
  process.exitCode = isWrongUse(error) ? 2 : 1;
}
