import type {
  DuckDBConnection,
  DuckDBPreparedStatement,
  DuckDBResultReader,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api';

/**
 * Statements of one connection that stay prepared, so that DuckDB does not parse and plan a quick statement again each
 * time.
 */
export interface KeptStatements {
  /** Never two at once. */
  run(
    text: string,
    values: Record<string, DuckDBValue>,
    types: Record<string, DuckDBType>,
  ): Promise<DuckDBResultReader>;
  /** Lets all of them go. */
  forget(): void;
}

/** Only a few texts are meant to be kept. If there are ever more than this, the oldest is dropped. */
const mostKept = 16;

export function createKeptStatements(connection: DuckDBConnection): KeptStatements {
  const kept = new Map<string, DuckDBPreparedStatement>();

  function drop(text: string): void {
    kept.get(text)?.destroySync();
    kept.delete(text);
  }

  return {
    async run(text, values, types) {
      let prepared = kept.get(text);
      if (!prepared) {
        const [oldest] = kept.keys();
        if (oldest !== undefined && kept.size >= mostKept) drop(oldest);
        prepared = await connection.prepare(text);
        kept.set(text, prepared);
      }
      try {
        // DuckDB plans it anew for these values and for the tables as they are now.
        prepared.bind(values, types);
        return await prepared.runAndReadAll();
      } catch (error) {
        drop(text);
        throw error;
      }
    },
    forget() {
      for (const text of kept.keys()) drop(text);
    },
  };
}
