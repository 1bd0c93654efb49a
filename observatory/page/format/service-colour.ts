/** The colours of services, as CSS variables of the design tokens. Pure. */

const own: Record<string, string> = {
  frontend: 'frontend',
  customer: 'customer',
  driver: 'driver',
  route: 'route',
  postgres: 'postgres',
  postgresql: 'postgres',
  page: 'page',
  browser: 'page',
  'frontend-page': 'page',
};
/** How many `--service-other-…` there are. */
const others = 10;

/** `var(--service-…)`: a service of HotROD its own, any other one of ten by a hash of its name. */
export function serviceColour(service: string): string {
  return ownColour(service) ?? otherColour(hashOf(service));
}

/**
 * Colours for services that are seen together: each gets a different one, as long as there are enough. If two have the
 * same hash, the later one in the alphabet takes the next free colour.
 */
export function serviceColours(services: readonly string[]): (service: string) => string {
  const colours = new Map<string, string>();
  const taken = new Set<number>();
  for (const service of [...new Set(services)].toSorted()) {
    const known = ownColour(service);
    let place = hashOf(service);
    if (taken.size < others) while (taken.has(place)) place = (place + 1) % others;
    if (known === undefined) taken.add(place);
    colours.set(service, known ?? otherColour(place));
  }
  return (service) => colours.get(service) ?? serviceColour(service);
}

function ownColour(service: string): string | undefined {
  const name = nameOf(service);
  // A database is named with its address: `postgresql 127.0.0.1`.
  const known = own[name] ?? own[name.split(' ')[0] ?? ''];
  return known === undefined ? undefined : `var(--service-${known})`;
}

function otherColour(place: number): string {
  return `var(--service-other-${place + 1})`;
}

function hashOf(service: string): number {
  let hash = 0;
  for (const character of nameOf(service)) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % others;
}

function nameOf(service: string): string {
  return service.toLowerCase().replace(/^hotrod[-.]/, '');
}
