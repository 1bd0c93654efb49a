import type { Customer } from './api.ts';

/** The customers by name, as a person looks for them. */
export function sortByName(customers: readonly Customer[]): Customer[] {
  return customers.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { sensitivity: 'base', numeric: true }));
}

/**
 * The customers a search finds: every word typed must begin a word of the name, stand in it, or begin the id. Case,
 * accents and apostrophes do not matter. An empty search finds all; the order stays.
 */
export function findCustomers(customers: readonly Customer[], query: string): Customer[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  return customers.filter(({ id, name }) => {
    const plainName = plain(name);
    return words.every((word) => plainName.includes(word) || String(id).startsWith(word));
  });
}

function plain(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/[\p{Diacritic}'’]/gu, '')
    .toLowerCase();
}
