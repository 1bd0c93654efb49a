/** Where the preload leaves its shutdown, so that a service can flush without importing the SDK. */
export const shutdownKey = Symbol.for('hotrod.telemetry.shutdown');

/** Sends what is still queued and stops telemetry; does nothing if the preload is not loaded. */
export async function shutdownTelemetry(): Promise<void> {
  const shutdown = (globalThis as { [shutdownKey]?: () => Promise<void> })[shutdownKey];
  await shutdown?.();
}
