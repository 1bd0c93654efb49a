import type { Figures } from './dispatches.ts';
import type { Finding } from './judge.ts';
import type { VerifyResult } from './verify.ts';

/** A verdict for people: what was compared, the figures, what differs, and where to look. */
export function formatReport(result: VerifyResult): string {
  const { verdict, reason, versions, baseline, candidate, findings, customers, link, limitsMs } = result;
  const rows = [
    ['', 'before', 'now'],
    ['release', describeVersions(versions.baseline), describeVersions(versions.candidate)],
    ['dispatches', String(baseline.requests), String(candidate.requests)],
    ['p50', formatMs(baseline.p50Ms), formatMs(candidate.p50Ms)],
    ['p95', formatMs(baseline.p95Ms), formatMs(candidate.p95Ms)],
    ['errors', formatErrors(baseline), formatErrors(candidate)],
  ];
  const lines = [`${verdict}: ${summaryOf(result)}`, '', ...table(rows)];
  if (findings.length > 0) lines.push('', ...findings.map((finding) => `  ${describe(finding)}`));
  const told = new Set(concerned(findings));
  const named = customers.filter(({ customer }) => told.has(customer));
  if (named.length > 0) {
    lines.push('');
    const header = ['customer', 'dispatches', 'p95 before', 'p95 now', 'errors before', 'errors now'];
    const figures = named.map((each) => [
      each.customer,
      `${each.baseline.requests} and ${each.candidate.requests}`,
      formatMs(each.baseline.p95Ms),
      formatMs(each.candidate.p95Ms),
      formatErrors(each.baseline),
      formatErrors(each.candidate),
    ]);
    lines.push(...table([header, ...figures]));
  }
  if (reason !== null) lines.push('', `  No verdict: ${reason}. No data is not healthy.`);
  if (limitsMs !== null && limitsMs.length > 0) {
    const bounds = limitsMs.map((limit) => formatMs(limit)).join(', ');
    lines.push('', `  Durations are known by buckets, up to ${bounds}; p50 and p95 are interpolated.`);
  }
  if (link !== null) lines.push('', `  Side by side: ${link}`);
  return `${lines.join('\n')}\n`;
}

/** The verdict in one line, without the word itself. */
export function summaryOf({ verdict, reason, baseline, candidate, findings }: VerifyResult): string {
  const p95 = `p95 ${formatMs(candidate.p95Ms)} after ${formatMs(baseline.p95Ms)}`;
  const errors = `errors ${formatErrors(candidate)} after ${formatErrors(baseline)}`;
  const figures = `${p95}, ${errors}, ${candidate.requests} dispatches against ${baseline.requests}`;
  if (verdict === 'inconclusive') return reason ?? 'too little is known';
  if (verdict === 'same') return `no difference beyond chance; ${figures}`;
  const customers = concerned(findings);
  return `${customers.length === 0 ? '' : `${listOf(customers)}; `}${figures}`;
}

/** The customers that findings name, the strongest first. */
function concerned(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ customer, mostly }) => (customer === null ? mostly : [customer])))];
}

function listOf(customers: readonly string[]): string {
  const shown = customers.slice(0, 3).join(', ');
  return customers.length > 3 ? `${shown} and ${customers.length - 3} more` : shown;
}

function describe({
  direction,
  measure,
  customer,
  mostly,
  slowerThanMs,
  baselineShare,
  candidateShare,
  p,
}: Finding): string {
  const whom = mostly.length === 0 ? 'all customers' : `all customers, mostly ${listOf(mostly)}`;
  const who = customer ?? whom;
  const what = measure === 'errors' ? 'fail' : `take longer than ${formatMs(slowerThanMs)}`;
  const shares = `${formatShare(candidateShare)} ${what}, ${formatShare(baselineShare)} before`;
  return `${direction}: ${who}: ${shares} (by chance: p ${p < 0.0001 ? '< 0.0001' : `= ${p.toFixed(4)}`})`;
}

export function describeVersions(versions: Readonly<Record<string, string | undefined>>): string {
  const services = Object.entries(versions).filter(([, version]) => version !== undefined);
  if (services.length === 0) return 'none known';
  const different = new Set(services.map(([, version]) => version));
  const names = services.map(([service]) => service).join(', ');
  if (different.size === 1) return `${[...different].join()} (${names})`;
  return services.map(([service, version]) => `${version} (${service})`).join(', ');
}

function formatMs(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function formatErrors({ failed, errorRate }: Figures): string {
  return errorRate === null ? '–' : `${formatShare(errorRate)} (${failed})`;
}

/** Columns parted by two blanks. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}
