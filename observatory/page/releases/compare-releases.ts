/** The view that compares a release with the one before. Pure. */
import type { Release } from '../../contract/contract.ts';
import type { State } from '../state/url-state.ts';

/**
 * Services whose releases a dispatch's root span has. For them the whole dispatch is compared, which users waited for,
 * not one service's part of it.
 */
const onDispatches = ['customer', 'driver', 'route'];
/** How much of the release before is looked at, milliseconds. */
const beforeMs = 600_000;
/** How much of the beginning of a release that has served for days is looked at, milliseconds. */
const afterMs = 3_600_000;

/**
 * The selection is this release, from its first request on; the baseline is the one before. Null for the first release
 * of a service, which has none before it.
 */
export function compareWithBefore({ service, version, before, firstMs, lastMs }: Release): Partial<State> | null {
  if (!before) return null;
  const versions = [before.version, version].map((each) => JSON.stringify(each)).join(', ');
  const isPart = onDispatches.includes(service);
  const filter = isPart
    ? `hotrod.release.${service} in (${versions})`
    : `service = ${JSON.stringify(service)} and service.version in (${versions})`;
  const begin = Math.floor(firstMs);
  const end = Math.ceil(Math.max(begin + 1_000, Math.min(lastMs + 1_000, begin + afterMs)));
  return {
    from: begin - beforeMs,
    to: end,
    filter,
    scope: 'roots',
    box: { fromMs: begin, toMs: end, minMs: null, maxMs: null },
    view: 'compare',
  };
}
