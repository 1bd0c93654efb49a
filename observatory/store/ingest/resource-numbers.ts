import { createAttributeBuilder, type ValueType } from '../../records/attribute-shapes.ts';
import type { Database } from '../database.ts';
import type { Resource } from '../../records/resource.ts';

/** The file's numbers for resources; the same resource has the same number after a restart. */
export interface ResourceNumbering {
  /** Gives a resource its number. True when it is new, and has to be stored. */
  add(resource: Resource): boolean;
  numberOf(resource: Resource): number;
  /** They were not stored: they are new again. */
  forget(resources: readonly Resource[]): void;
  /** Stored resources by the file's numbers. */
  read(numbers: ReadonlySet<number>): Promise<ReadonlyMap<number, Resource>>;
}

interface StoredResource {
  resource_id: number;
  fingerprint: string;
  service: string;
  attributes: Record<string, string>;
  types: string | null;
}

/** At most this many resources that were read are remembered: every process that ever sent something has one. */
const mostRemembered = 2_000;

export async function createResourceNumbers(database: Pick<Database, 'writer'>): Promise<ResourceNumbering> {
  const numbers = new Map<string, number>();
  const remembered = new Map<number, Resource>();
  const builder = createAttributeBuilder();
  let last = 0;
  const stored = await database.writer.rows<{ resource_id: number; fingerprint: string }>('ingest-resource-numbers');
  for (const { resource_id: number, fingerprint } of stored) {
    numbers.set(fingerprint, number);
    last = Math.max(last, number);
  }

  function toResource({ service, fingerprint, attributes, types }: StoredResource): Resource {
    const typeOf = JSON.parse(types ?? '{}') as Record<string, ValueType>;
    for (const [key, text] of Object.entries(attributes))
      builder.add(key, text, Object.hasOwn(typeOf, key) ? (typeOf[key] ?? '') : '');
    return {
      service,
      version: attributes['service.version'] ?? null,
      browser:
        attributes['telemetry.sdk.language'] === 'webjs' ||
        Object.keys(attributes).some((key) => key.startsWith('browser.')),
      fingerprint,
      attributes: builder.finish(),
    };
  }

  return {
    add(resource) {
      if (numbers.has(resource.fingerprint)) return false;
      last += 1;
      numbers.set(resource.fingerprint, last);
      return true;
    },
    forget(gone) {
      for (const { fingerprint } of gone) numbers.delete(fingerprint);
    },
    numberOf: (resource) => numbers.get(resource.fingerprint) ?? 0,
    async read(wanted) {
      if (remembered.size > mostRemembered) remembered.clear();
      const missing = [...wanted].filter((number) => !remembered.has(number));
      if (missing.length > 0) {
        const parameters = { numbers: missing.map(String) };
        const rows = await database.writer.rows<StoredResource>('ingest-resources-by-number', { parameters });
        for (const row of rows) remembered.set(row.resource_id, toResource(row));
      }
      return remembered;
    },
  };
}
