// Pure parts of the page run without a document, too: in tests, and in the tools for agents.
const meta = typeof document === 'undefined' ? null : document.querySelector<HTMLMetaElement>('meta[name="base-path"]');

/**
 * The path under which a reverse proxy serves the Observatory, for example `/observatory`; '' at the root. The server writes it
 * into the document (page-files.ts).
 */
const basePath: string = meta?.content ?? '';

/** An address of the page or the API, as the browser must know it. */
export function underBase(address: string): string {
  return basePath + address;
}

/** The path of the page that a path of the browser stands for. */
export function pagePath(pathname: string): string {
  // A browser that reaches the Observatory without the proxy is at its root.
  if (basePath === '' || !`${pathname}/`.startsWith(`${basePath}/`)) return pathname;
  return pathname.slice(basePath.length) || '/';
}
