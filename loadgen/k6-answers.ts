import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One answer that k6 got. */
export interface Answer {
  /** When it came, in milliseconds since 1970. */
  atMs: number;
  /** 0 if there was none. */
  status: number;
  /** From the request to the whole answer, in milliseconds. */
  tookMs: number;
}

/** What k6's JSON output says of one measurement, as far as it is read here: https://grafana.com/docs/k6 (JSON output). */
interface Point {
  type: string;
  metric: string;
  data: { time?: string; value?: number; tags?: Record<string, string> };
}

/**
 * Runs the real k6 with `k6.ts` at a steady rate (an open model), and returns every answer.
 *
 * @param program k6.
 * @param directory where its output may lie meanwhile.
 */
export async function k6Answers(options: {
  program: string;
  frontend: string;
  ratePerSecond: number;
  seconds: number;
  directory: string;
}): Promise<Answer[]> {
  const work = mkdtempSync(join(options.directory, 'k6-'));
  const file = join(work, 'answers.json');
  try {
    await runK6(options, file);
    const answers: Answer[] = [];
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (!line.includes('"http_req_duration"')) continue;
      const { type, metric, data } = JSON.parse(line) as Point;
      if (type !== 'Point' || metric !== 'http_req_duration') continue;
      answers.push({
        atMs: Date.parse(data.time ?? ''),
        status: Number(data.tags?.['status'] ?? 0),
        tookMs: data.value ?? 0,
      });
    }
    return answers;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function runK6(options: Parameters<typeof k6Answers>[0], file: string): Promise<void> {
  const script = fileURLToPath(new URL('./k6.ts', import.meta.url));
  const args = ['run', '--quiet', '--no-usage-report', '--no-summary', '--no-thresholds', '--address=', script];
  return new Promise((resolve, reject) => {
    const child = spawn(options.program, [...args, `--out=json=${file}`], {
      env: {
        BASE_URL: options.frontend,
        RATE: String(options.ratePerSecond),
        PROFILE_SECONDS: String(options.seconds),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`k6 ended with ${code}: ${errors.slice(-2_000)}`)),
    );
  });
}

/** What came of an overload. */
export interface OverloadOutcome {
  /** Answered with 200, with 503, and all else. */
  served: number;
  refused: number;
  failed: number;
  /** Served in a second, between the first and the last answer. */
  goodputPerSecond: number;
  slowestMs: number;
  /** Of those refused: the median, the 99th percentile, the slowest. */
  refusalMs: { median: number; p99: number; slowest: number };
}

export function overloadOutcome(answers: readonly Answer[], seconds: number): OverloadOutcome {
  const served = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503).map(({ tookMs }) => tookMs);
  refused.sort((a, b) => a - b);
  const at = (share: number) => refused[Math.min(refused.length - 1, Math.floor(refused.length * share))] ?? 0;
  return {
    served: served.length,
    refused: refused.length,
    failed: answers.length - served.length - refused.length,
    goodputPerSecond: served.length / seconds,
    slowestMs: answers.reduce((most, { tookMs }) => Math.max(most, tookMs), 0),
    refusalMs: { median: at(0.5), p99: at(0.99), slowest: at(1) },
  };
}
