/** In which order keys are offered: what tells spans apart and can be read comes first. Pure. */
import type { AttributeKey } from '../../contract/contract.ts';

/** Attributes that say where a program runs or how it is measured. They hardly ever say why something is slow. */
const surroundings = /^(browser|cloud|container|host|k8s|os|otel|process|service|telemetry|thread)\./;
const ids = /(^|[._])(id|ids|uuid|guid|hash)$/;

/**
 * Names first, then other texts, numbers and switches, ids, and what programs say of their surroundings. Within each
 * kind, keys that more spans have come first. A key that no span has is left out until something is typed.
 *
 * @param prefix what was typed of a key.
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
