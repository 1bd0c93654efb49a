import { watch } from 'node:fs';
import { join } from 'node:path';

/** What every service imports. */
const shared = ['packages/kit', 'packages/telemetry'];

/** How long nothing may change before a change counts as over, in milliseconds: editors write a file in several steps. */
const quietMs = 150;

/** Whether the process of a service reads a file, by its path in the service's folder. */
export function isSource(path: string): boolean {
  const parts = path.replaceAll('\\', '/').split('/');
  const name = parts.pop() ?? '';
  if (parts.some((part) => ['node_modules', 'dist', 'fixtures'].includes(part))) return false;
  return /\.(ts|tsx|sql|css|html|json|svg)$/.test(name) && !/\.test\.tsx?$/.test(name);
}

/**
 * Watches what a service runs: its own folder and the shared packages.
 *
 * @param root the checkout.
 * @param onChange is called with the files, relative to the checkout, once nothing has changed for a moment.
 * @returns a function that ends the watch.
 * @throws the system's error when a folder cannot be watched.
 */
export function watchSources(root: string, service: string, onChange: (files: string[]) => void): () => void {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const watchers = [`services/${service}`, ...shared].map((folder) =>
    watch(join(root, folder), { recursive: true }, (_event, path) => {
      if (path === null || !isSource(path)) return;
      changed.add(`${folder}/${path.replaceAll('\\', '/')}`);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const files = [...changed].toSorted();
        changed.clear();
        onChange(files);
      }, quietMs);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
