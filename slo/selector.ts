/**
 * What a PromQL selector over the Collector's span metrics says, in the Observatory's filter language. The indicator is
 * written once, for Prometheus; the Observatory asks the spans themselves.
 */

interface Matcher {
  label: string;
  operator: '=' | '!=';
  value: string;
}

/** A selector's metric and matchers. @throws for anything but a plain selector. */
export function parseSelector(text: string): { metric: string; matchers: Matcher[] } {
  const match = /^([a-z_]+)\{(.*)\}$/.exec(text);
  const matchers = (match?.[2] ?? '').split(/,\s*/).map((part) => /^([a-z_]+)(=|!=)"([^"\\]*)"$/.exec(part));
  if (!match || matchers.includes(null)) throw new Error(`not a selector of equalities: ${text}`);
  return {
    metric: match[1] ?? '',
    matchers: matchers.map((each) => ({
      label: each?.[1] ?? '',
      operator: each?.[2] as Matcher['operator'],
      value: each?.[3] ?? '',
    })),
  };
}

/** Fields of entry spans by the label that the Collector's connector makes of them. */
const fields: Readonly<Record<string, string>> = { service_name: 'service', http_route: 'http.route' };

/** Labels that every entry span has anyway, or that are read as part of "good". */
const elsewhere = new Set(['span_kind', 'le', 'status_code']);

/** Which entry spans count. @throws for a label that has no field. */
export function populationFilter(total: string): string {
  const conditions = parseSelector(total).matchers.flatMap(({ label, operator, value }) => {
    if (elsewhere.has(label)) return [];
    const field = fields[label];
    if (field === undefined) throw new Error(`no field of a span is known for the label ${label}`);
    return [`${field} ${operator} ${JSON.stringify(value)}`];
  });
  return conditions.join(' and ');
}

/** Which of them are good: those of a bucket, or those that did not fail. @throws if it is neither. */
export function goodFilter(good: string): string {
  const { metric, matchers } = parseSelector(good);
  const bound = matchers.find(({ label }) => label === 'le')?.value;
  if (bound !== undefined && metric.endsWith('_seconds_bucket')) return `duration <= ${Number(bound)}s`;
  const failed = matchers.some(
    ({ label, operator, value }) => label === 'status_code' && operator === '!=' && value === 'STATUS_CODE_ERROR',
  );
  if (failed) return 'error = false';
  throw new Error(`neither a bucket nor calls without an error: ${good}`);
}
