/**
 * The batch processors of SDK 3 take options and read no variable themselves. The defaults are sized so that busy
 * services lose no span even if a backend takes 100 ms a batch: one export is under way at a time.
 */
export function batchSettings(env: Readonly<Record<string, string | undefined>>, prefix: 'BSP' | 'BLRP') {
  return {
    maxQueueSize: positiveSetting(env, `OTEL_${prefix}_MAX_QUEUE_SIZE`, 16_384),
    maxExportBatchSize: positiveSetting(env, `OTEL_${prefix}_MAX_EXPORT_BATCH_SIZE`, 2_048),
    scheduledDelayMillis: positiveSetting(env, `OTEL_${prefix}_SCHEDULE_DELAY`, 1_000),
    exportTimeoutMillis: positiveSetting(env, `OTEL_${prefix}_EXPORT_TIMEOUT`, 10_000),
  };
}

/** A number above 0 from the environment; anything else is said once and the default taken, as the specification asks. */
export function positiveSetting(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  process.stderr.write(`${name} is "${text}", which is not a number above 0; ${fallback} is used instead.\n`);
  return fallback;
}
