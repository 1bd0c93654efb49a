/** In which order keys are offered: what tells spans apart and can be read comes first. Pure. */
import type { AttributeKey } from '../../contract/contract.ts';

/** What says where a program runs or how it is measured, hardly ever why something is slow. */
const surroundings = /^(browser|cloud|container|host|k8s|os|otel|process|service|telemetry|thread)\./;
const ids = /(^|[._])(id|ids|uuid|guid|hash)$/;

/**
 * Names first, then other texts, numbers and switches, ids, and what programs say of their surroundings; of these those
 * that more spans have. What no span has comes only if asked for by its name. @param prefix what was typed of a key.
 */
export function rankKeys(keys: readonly AttributeKey[], prefix: string): AttributeKey[] {
  const wanted = prefix.toLowerCase();
  const begins = ({ key }: AttributeKey): number => (key.toLowerCase().startsWith(wanted) ? 0 : 1);
  return keys
    .filter(({ spans }) => spans > 0 || wanted !== '')
    .toSorted(
      (a, b) => begins(a) - begins(b) || tierOf(a) - tierOf(b) || b.spans - a.spans || a.key.localeCompare(b.key),
    );
}

/** Whether a value of this key is something that people know and type. */
export function isText(attribute: AttributeKey): boolean {
  return tierOf(attribute) <= 1 && attribute.type === 'string' && attribute.spans > 0;
}

function tierOf({ key, type }: AttributeKey): number {
  if (surroundings.test(key)) return 4;
  if (ids.test(key)) return 3;
  if (type !== 'string') return 2;
  return /(^|[._])name$/.test(key) ? 0 : 1;
}
