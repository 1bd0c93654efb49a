/**
 * The preload: `node --import ./packages/telemetry/register.ts main.ts` and the process is instrumented. Settings are
 * the standard `OTEL_*` variables (defaults: sdk.ts); `OTEL_SDK_DISABLED=true` switches all of it off. `TELEMETRY` says
 * how much there is of it (mode.ts).
 */
import { basename, dirname } from 'node:path';

import { register } from 'import-in-the-middle/register-hooks.mjs';

import { isSdkDisabled, readTelemetryMode } from './mode.ts';
import { startStockTelemetry, startTelemetry } from './sdk.ts';
import { shutdownKey } from './shutdown.ts';

// services/customer/main.ts is "customer" unless somebody says otherwise.
process.env['OTEL_SERVICE_NAME'] ||= basename(dirname(process.argv[1] ?? 'hotrod/main.ts'));

// What the environment gives comes later in the list, and a later entry wins.
const ownResource = 'service.namespace=hotrod,deployment.environment.name=local';
const given = process.env['OTEL_RESOURCE_ATTRIBUTES'];
process.env['OTEL_RESOURCE_ATTRIBUTES'] = given ? `${ownResource},${given}` : ownResource;

const mode = isSdkDisabled(process.env) ? 'off' : readTelemetryMode(process.env['TELEMETRY']);
if (mode === 'stock') startStockTelemetry();
if (mode === 'full') {
  // Synchronous hooks, and only for the packages that are patched by loading: the rest of the imports stays untouched.
  register({ include: ['express', 'pg', 'pino'] });
  Object.assign(globalThis, { [shutdownKey]: startTelemetry(process.env) });
}
