/**
 * The address of a trace.
 *
 * @param template an address in which `{traceId}` stands for the id, or null.
 * @returns undefined if there is no template or no id, or if the template leads anywhere but to a web page.
 */
export function traceLink(template: string | null, traceId: string | undefined, base: string): string | undefined {
  if (template === null || traceId === undefined || !template.includes('{traceId}')) return undefined;
  return webLink(template.replaceAll('{traceId}', traceId), base);
}

/** An address as it is, if it leads to a web page; else undefined, so that no link is shown. */
export function webLink(address: string | null, base: string): string | undefined {
  if (address === null || address === '' || !URL.canParse(address, base)) return undefined;
  const { protocol } = new URL(address, base);
  return protocol === 'http:' || protocol === 'https:' ? address : undefined;
}
