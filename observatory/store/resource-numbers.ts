import { createAttributeBuilder, type ValueType } from './attribute-shapes.ts';
import type { Database } from './database.ts';
import type { Resource } from './records.ts';

/** The file's numbers for resources; the same resource has the same number after a restart. */
export interface ResourceNumbering {
  /** Whether it is new, and has to be stored. */
  add(resource: Resource): boolean;
  numberOf(resource: Resource): number;
  /** They did not get into the file: they are new again. */
  forget(resources: readonly Resource[]): void;
  /** By the file's number. */
  resource(number: number): Resource | undefined;
}

interface StoredResource {
  resource_id: number;
  fingerprint: string;
  service: string;
  attributes: Record<string, string>;
  types: string | null;
}

export async function createResourceNumbers(database: Database): Promise<ResourceNumbering> {
  const numbers = new Map<string, number>();
  const byNumber = new Map<number, Resource>();
  const builder = createAttributeBuilder();
  let last = 0;
  for (const row of await database.writer.rows<StoredResource>('ingest-resource-list')) {
    const types = JSON.parse(row.types ?? '{}') as Record<string, ValueType>;
    for (const [key, text] of Object.entries(row.attributes)) builder.add(key, text, types[key] ?? '');
    byNumber.set(row.resource_id, {
      service: row.service,
      version: row.attributes['service.version'] ?? null,
      browser:
        row.attributes['telemetry.sdk.language'] === 'webjs' ||
        Object.keys(row.attributes).some((key) => key.startsWith('browser.')),
      fingerprint: row.fingerprint,
      attributes: builder.finish(),
    });
    numbers.set(row.fingerprint, row.resource_id);
    last = Math.max(last, row.resource_id);
  }
  return {
    add(resource) {
      if (numbers.has(resource.fingerprint)) return false;
      last += 1;
      numbers.set(resource.fingerprint, last);
      byNumber.set(last, resource);
      return true;
    },
    forget(gone) {
      for (const { fingerprint } of gone) numbers.delete(fingerprint);
    },
    numberOf: (resource) => numbers.get(resource.fingerprint) ?? 0,
    resource: (number) => byNumber.get(number),
  };
}
