/** The one colour of a service, as a CSS variable of the design tokens. Pure. */

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

/** `var(--service-…)`: a service of HotROD its own, any other one of four by a hash of its name. */
export function serviceColour(service: string): string {
  const name = service.toLowerCase().replace(/^hotrod[-.]/, '');
  // A database is named with its address: `postgresql 127.0.0.1`.
  const known = own[name] ?? own[name.split(' ')[0] ?? ''];
  if (known !== undefined) return `var(--service-${known})`;
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `var(--service-other-${(hash % 4) + 1})`;
}
