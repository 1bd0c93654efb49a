/**
 * Which parts of a comparison are shown at once, and which only after a click. This is presentation alone: the ranking
 * stays. Pure.
 */
import type { CompareAttribute, CompareValue } from '../../contract/contract.ts';

/** A value is folded away if its evidence is less than this part of its attribute's strongest. */
const leastPart = 0.1;
const mostShown = 5;

/** The values that tell the two sides apart, in the order of the attribute; the others. */
export function foldValues(values: readonly CompareValue[]): { shown: CompareValue[]; rest: CompareValue[] } {
  const strongest = Math.max(0, ...values.map(({ evidence }) => evidence));
  const telling = values
    .filter(({ evidence }) => evidence > 0 && evidence >= strongest * leastPart)
    .toSorted((a, b) => b.evidence - a.evidence)
    .slice(0, mostShown);
  // Without evidence there is no reason to hide the rest.
  const kept = telling.length === 0 ? values.slice(0, mostShown) : telling;
  return {
    shown: values.filter((value) => kept.includes(value)),
    rest: values.filter((value) => !kept.includes(value)),
  };
}

/** The value that a folded attribute shows; undefined if it has none. */
export function headlineOf(values: readonly CompareValue[]): CompareValue | undefined {
  return values.toSorted((a, b) => b.evidence - a.evidence)[0];
}

/** One attribute for all that show the same counts, in the place of the first of them. */
export function foldAlike(attributes: readonly CompareAttribute[]): CompareAttribute[] {
  const byCounts = new Map<string, CompareAttribute>();
  for (const attribute of attributes) {
    const counts = JSON.stringify([
      attribute.significant,
      attribute.values.map(({ selected, baseline }) => [selected, baseline].join()).toSorted(),
    ]);
    const first = byCounts.get(counts);
    byCounts.set(
      counts,
      first === undefined ? attribute : { ...first, same: [...first.same, attribute.key, ...attribute.same] },
    );
  }
  return [...byCounts.values()];
}

/** Every attribute that cards stand for: those that lead them and those that split alike. */
export function namesOf(attributes: readonly CompareAttribute[]): string[] {
  return attributes.flatMap(({ key, same }) => [key, ...same]);
}
