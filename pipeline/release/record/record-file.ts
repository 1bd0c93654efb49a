import { isObject, parseJson } from '../request.ts';
import { releasedServices, type Versions } from '../verify/source.ts';

/** What ran before a deploy: what to go back to, and what to compare with. */
export interface ReleaseRecord {
  /** Unix milliseconds. */
  recordedMs: number;
  /** `service.version` by service. */
  releases: Versions;
  /** The commit by service; null if it is not known. */
  revisions: Readonly<Partial<Record<keyof Versions, string | null>>>;
}

/** @throws if the text is not a record of `release record`. */
export function parseRecord(path: string, text: string): ReleaseRecord {
  const value = parseJson(text);
  if (isObject(value) && Number.isSafeInteger(value['recordedMs']) && isObject(value['releases'])) {
    const { recordedMs, releases, revisions } = value;
    const known = releasedServices.filter((service) => typeof releases[service] === 'string');
    const revisionOf = (service: string) => (isObject(revisions) ? revisions[service] : undefined);
    return {
      recordedMs: Number(recordedMs),
      releases: Object.fromEntries(known.map((service) => [service, String(releases[service])])),
      revisions: Object.fromEntries(
        known.map((service) => {
          const revision = revisionOf(service);
          return [service, typeof revision === 'string' && /^[0-9a-f]{7,64}$/.test(revision) ? revision : null];
        }),
      ),
    };
  }
  throw new Error(`${path} is not a record of the releases that ran; \`release record\` writes one`);
}
