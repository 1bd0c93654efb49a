/** Which attributes of a comparison say the same and share a card, and which of them the card is named by. Pure. */
import type { CompareAttribute } from '../../../contract/contract.ts';
import { isIdKey } from './compare-columns.ts';
import { evidence, type Sides, type Split } from './compare-rank.ts';

/**
 * A value counts as a difference of the two sides only if its evidence is at least this part of its attribute's
 * strongest.
 */
const leastPart = 0.1;
/** Counts are nearly the same if they differ by at most this part in all, or by at most this many spans. */
const partApart = 0.05;
const spansApart = 3;

/**
 * Groups the attributes that split the two sides in nearly the same way: their values that are evidence, in order, have
 * nearly the same counts. So a few spans that lack one of the attributes do not separate it from the others. An
 * attribute without evidence stays alone, because many attributes without a meaning have similar distributions.
 */
export function foldAlike<T>(items: readonly T[], splitsOf: (item: T) => readonly Split[], sides: Sides): T[][] {
  const groups: { telling: Split[]; items: T[] }[] = [];
  for (const item of items) {
    const telling = tellingOf(splitsOf(item), sides);
    const group = groups.find((each) => areAlike(each.telling, telling));
    if (group === undefined) groups.push({ telling, items: [item] });
    else group.items.push(item);
  }
  return groups.map((group) => group.items);
}

function tellingOf(splits: readonly Split[], sides: Sides): Split[] {
  const weighed = splits.map((split) => ({ split, weight: evidence(split, sides) }));
  const strongest = weighed.reduce((most, { weight }) => Math.max(most, weight), 0);
  return weighed
    .filter(({ weight }) => weight > 0 && weight >= strongest * leastPart)
    .map(({ split }) => split)
    .toSorted((left, right) => right.selected - left.selected || right.baseline - left.baseline);
}

function areAlike(left: readonly Split[], right: readonly Split[]): boolean {
  if (left.length === 0 || right.length === 0) return false;
  return (['selected', 'baseline'] as const).every((side) => {
    const longer = Math.max(left.length, right.length);
    let apart = 0;
    let whole = 0;
    for (let index = 0; index < longer; index += 1) {
      const [one, other] = [left[index]?.[side] ?? 0, right[index]?.[side] ?? 0];
      apart += Math.abs(one - other);
      whole += Math.max(one, other);
    }
    return apart <= Math.max(spansApart, whole * partApart);
  });
}

/** The rank of an attribute as the name of a card: first what a person would call the thing. */
function readability({ key, values }: CompareAttribute): number {
  if (/(^|[._])name$/.test(key)) return 0;
  if (/(^|[._])(url|uri|full|query|path|hash|ip)([._]|$)/.test(key)) return 4;
  if (/(^|[._])(location|place|position|coordinates?|latitude|longitude|x|y)$/.test(key)) return 3;
  if (values.some(({ value }) => value !== null && /^-?\d+(\.\d+)?\s*[,;]\s*-?\d+(\.\d+)?$/.test(value))) return 3;
  return isIdKey(key) ? 1 : 2;
}

/** Orders attributes that split alike by what a person would name: names, ids, others, places, addresses and queries. */
export function byReadability(left: CompareAttribute, right: CompareAttribute): number {
  const difference = readability(left) - readability(right);
  return difference || left.key.length - right.key.length || (left.key < right.key ? -1 : 1);
}
