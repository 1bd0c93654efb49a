/** Traces for a program that is not a service and has no preload: the runner of pipelines. The SDK itself stays in sdk.ts. */
export { startTracingAlone } from './sdk.ts';
