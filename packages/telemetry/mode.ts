/**
 * How much telemetry a process makes, by the variable `TELEMETRY`:
 *
 * - `off`: none; no SDK is loaded
 * - `stock`: what OpenTelemetry's own preload gives without a line of ours: `@opentelemetry/auto-instrumentations-node`
 * - `full`: our preload, and all that the services tell of themselves by hand
 */
export const telemetryModes = ['off', 'stock', 'full'] as const;
export type TelemetryMode = (typeof telemetryModes)[number];

/** Whether a word is a mode. */
export function isTelemetryMode(word: string): word is TelemetryMode {
  return (telemetryModes as readonly string[]).includes(word);
}

/** Reads `TELEMETRY`; `full` if it is not set. @throws an error that names the modes there are. */
export function readTelemetryMode(value: string | undefined): TelemetryMode {
  if (value === undefined || value === '') return 'full';
  if (isTelemetryMode(value)) return value;
  throw new Error(`TELEMETRY is "${value}"; it is one of ${telemetryModes.join(', ')}.`);
}

/**
 * Whether `OTEL_SDK_DISABLED` switches all telemetry off: by `true` alone, in any case
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
export function isSdkDisabled(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
}

/** Where the preload notes that nothing is instrumented by hand. */
export const automaticAloneKey = Symbol.for('hotrod.telemetry.automatic-alone');

/** Whether what a service tells of itself by hand is left out: with `TELEMETRY=stock`. */
export function isAutomaticAlone(): boolean {
  return (globalThis as { [automaticAloneKey]?: true })[automaticAloneKey] === true;
}
