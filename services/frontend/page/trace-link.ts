/**
 * The address of a trace.
 *
 * @param template an address in which `{traceId}` stands for the id, or null.
 * @returns undefined where there is no template, no id, or where the template leads anywhere but to a web page.
 */
export function traceLink(template: string | null, traceId: string | undefined, base: string): string | undefined {
  if (template === null || traceId === undefined || !template.includes('{traceId}')) return undefined;
  const address = template.replaceAll('{traceId}', traceId);
  if (!URL.canParse(address, base)) return undefined;
  const { protocol } = new URL(address, base);
  return protocol === 'http:' || protocol === 'https:' ? address : undefined;
}
