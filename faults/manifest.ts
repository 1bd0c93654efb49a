import { readdirSync, readFileSync } from 'node:fs';

import { parse } from 'yaml';
import { z } from 'zod';

const text = z.string().min(1);

/** A question whose answer shows that a fault is on. It is asked of the Observatory, about the time since the switch. */
const signatureSchema = z.discriminatedUnion('question', [
  z.strictObject({
    question: z.literal('spans'),
    /** `roots`: entry spans; `spans`: all. */
    scope: z.enum(['roots', 'spans']),
    /** In the Observatory's filter language. */
    filter: text,
    /** So many spans must match. */
    atLeast: z.int().positive(),
    /** Look at the time from so many seconds after now on. For spans with a wrong clock, which lie there. */
    afterNowSeconds: z.int().positive().optional(),
  }),
  z.strictObject({
    question: z.literal('logs'),
    /** Selects entry spans; the log records of one of their traces are counted. */
    filter: text,
    atLeast: z.int().positive(),
  }),
]);

const manifestSchema = z.strictObject({
  flag: text,
  title: text,
  service: z.enum(['frontend', 'customer', 'driver', 'route']),
  /** What the flag's number means. */
  value: text,
  lesson: text,
  cause: text,
  signature: signatureSchema,
  /** On the two objectives of the suite. */
  effect: z.strictObject({ availability: text, latency: text }),
  find: z.array(text).min(1),
  fix: text,
});

/** What a fault teaches, how it shows, and how it is mended. */
export type Manifest = z.infer<typeof manifestSchema>;
export type Signature = z.infer<typeof signatureSchema>;

const directory = new URL('./manifests/', import.meta.url);

/** Every manifest, by its flag, in alphabetical order. @throws an error that names the file that is not valid. */
export function readManifests(): Map<string, Manifest> {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  return new Map(
    files.toSorted().map((file) => {
      const parsed = manifestSchema.safeParse(parse(readFileSync(new URL(file, directory), 'utf8')));
      if (!parsed.success) throw new Error(`faults/manifests/${file}: ${z.prettifyError(parsed.error)}`);
      if (`${parsed.data.flag}.yaml` !== file) throw new Error(`faults/manifests/${file} is about ${parsed.data.flag}`);
      return [parsed.data.flag, parsed.data];
    }),
  );
}
