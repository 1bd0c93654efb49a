/** What a dispatch asks of the frontend's route workers, by the defaults of the services' settings. */
export const defaults = { routesPerDispatch: 10, workers: 5, routeMs: 50 } as const;

/**
 * How many dispatches a second the frontend's route workers bear: each computes ten routes, and that is what a dispatch
 * has to wait for under load. More are refused. (What the machine bears is another limit, which nobody knows beforehand.)
 *
 * @param env ROUTE_WORKER_POOL_SIZE and ROUTE_CALCULATION_DELAY_MS, as the services read them.
 */
export function dispatchCapacity(env: Readonly<Record<string, string | undefined>>): number {
  const workers = positive(env['ROUTE_WORKER_POOL_SIZE']) ?? defaults.workers;
  const routeMs =
    positive(env['ROUTE_CALCULATION_DELAY_MS']) ?? (env['ROUTE_CALCULATION_DELAY_MS'] === '0' ? 0 : defaults.routeMs);
  return (workers * 1000) / (routeMs * defaults.routesPerDispatch);
}

/**
 * What to tell a person who asks for more than the route workers bear; null if they bear it.
 *
 * @param ratePerSecond the highest rate asked for.
 */
export function overCapacity(ratePerSecond: number, env: Readonly<Record<string, string | undefined>>): string | null {
  const capacity = dispatchCapacity(env);
  if (ratePerSecond <= capacity) return null;
  const routeMs = positive(env['ROUTE_CALCULATION_DELAY_MS']) ?? defaults.routeMs;
  // A fifth more than just enough: at full use everyone waits.
  const workers = Math.ceil((ratePerSecond * routeMs * defaults.routesPerDispatch * 1.2) / 1000);
  return `${ratePerSecond} dispatches/s are more than the route workers bear (about ${Math.round(capacity * 10) / 10}/s): the rest is refused. ROUTE_WORKER_POOL_SIZE=${workers} npm start … bears it.`;
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && text.trim() !== '' && value > 0 ? value : undefined;
}
