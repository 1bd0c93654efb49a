/** What is built and rolled out on its own: the services, the viewer, and the image that pipelines use. */
export const components = ['frontend', 'customer', 'driver', 'route', 'observatory', 'release-tools'] as const;
export type Component = (typeof components)[number];

/** The components that a release rolls out and verifies. */
export const services = ['frontend', 'customer', 'driver', 'route'] as const satisfies readonly Component[];

/** Where each component's code is. A service's client and contract belong to those that import them, too. */
const folders: readonly { path: RegExp; touches: readonly Component[] }[] = [
  { path: /^services\/(customer|driver|route)\/(client|contract)\.ts$/, touches: ['frontend'] },
  { path: /^services\/frontend\//, touches: ['frontend'] },
  { path: /^services\/customer\//, touches: ['customer'] },
  { path: /^services\/driver\//, touches: ['driver'] },
  { path: /^services\/route\//, touches: ['route'] },
  { path: /^faults\//, touches: services },
  { path: /^observatory\//, touches: ['observatory'] },
  { path: /^pipeline\//, touches: ['release-tools'] },
  { path: /^packages\//, touches: components },
  { path: /^(package(-lock)?\.json|Dockerfile|\.dockerignore)$/, touches: components },
];

/** Files that are in no image: a change of these alone releases nothing. */
const inNoImage = /(\.test\.tsx?|\.md)$/;

/**
 * The components that a change touches, in the order of {@link components}. Pure.
 *
 * @param paths of the files that differ, relative to the root, with `/`; null if it is not known what differs, and
 *   everything may have changed.
 */
export function changedComponents(paths: readonly string[] | null): Component[] {
  if (paths === null) return [...components];
  const touched = new Set(
    paths
      .filter((path) => !inNoImage.test(path))
      .flatMap((path) => folders.filter((folder) => folder.path.test(path)).flatMap((folder) => folder.touches)),
  );
  return components.filter((component) => touched.has(component));
}

/**
 * Values of the chart that give what changed its new tag, and leave everything else as it is. Pure.
 *
 * @returns YAML, to be given to Helm with `--reuse-values`.
 */
export function releaseValues(changed: readonly Component[], tag: string): string {
  const image = JSON.stringify({ image: { tag } });
  const changedServices = services.filter((name) => changed.includes(name));
  return [
    ...(changedServices.length > 0 ? ['services:', ...changedServices.map((name) => `  ${name}: ${image}`)] : []),
    ...(changed.includes('observatory') ? [`observatory: ${image}`] : []),
    '',
  ].join('\n');
}
