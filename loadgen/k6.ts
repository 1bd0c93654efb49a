/**
 * The script that the real k6 runs: `k6 run -e BASE_URL=http://127.0.0.1:8080 -e PROFILE=demo loadgen/k6.ts`.
 *
 * It imports files beside it and k6's own modules alone, so it needs no network and no bundler. Settings:
 *
 * - `BASE_URL`: the frontend (default http://127.0.0.1:8080).
 * - `PROFILE`: one of those in `profiles.ts` (default webinar).
 * - `RATE`: instead of a profile, so many dispatches per second until stopped.
 * - `PROFILE_SECONDS`: the profile in so many seconds instead of its own length, its heights unchanged.
 * - `NORMAL_P95_MS`: how long 95 % of the normal customers wait at most, in milliseconds, for the run to pass (default
 *   1200). More where the way to the frontend is long, or the machine has other work.
 */
import { check, sleep } from 'k6';
import http from 'k6/http';

import { dispatchHeaders, randomHex } from './k6/headers.ts';
import { k6Options } from './k6/options.ts';
import { thinkSeconds } from './profiles.ts';
import { pickCustomer, slowCustomers } from './weights.ts';

const baseUrl = (__ENV['BASE_URL'] ?? 'http://127.0.0.1:8080').replace(/\/$/, '');

const plan = k6Options(__ENV);
export const options = plan.options;

// k6 runs this file once for each virtual user, so this is what a user keeps. In the first run, which only reads the
// options, there is no user yet.
const salt = randomHex(2, Math.random);

/** How long the start of a run waits for the suite, in seconds; k6 itself gives a setup no more than a minute. */
const startPatienceSeconds = 50;

/** Before the first order: waits until the suite is up, so that a load which starts with it fails no order. */
export function setup(): void {
  for (let second = 0; second < startPatienceSeconds; second += 1) {
    // Without a callback k6 does not count it among the requests that failed.
    const answer = http.get(`${baseUrl}/readyz`, { responseCallback: null, timeout: '5s' });
    if (answer.status === 200 && !isSomethingMissing(answer.body)) return;
    sleep(1);
  }
}

/** Whether one of the services behind the frontend does not answer yet. */
function isSomethingMissing(body: unknown): boolean {
  const { behind = {} } = JSON.parse(String(body)) as { behind?: Record<string, string> };
  return Object.values(behind).some((outcome) => outcome !== 'ok');
}

/** One order: what a virtual user does over and over. */
export default function order(): void {
  const clientId = `k6-${__VU}-${salt}`;
  const customer = pickCustomer(Math.random());
  const answer = http.get(`${baseUrl}/dispatch?customer=${customer}`, {
    headers: dispatchHeaders({ clientId, number: __ITER + 1, random: Math.random }),
    // The name keeps the customers' ids out of the metrics' names; the kind is what the threshold asks for.
    tags: { name: 'GET /dispatch', customer: slowCustomers.includes(customer) ? 'slow' : 'normal' },
    timeout: '30s',
  });
  check(answer, {
    'answered with 200': ({ status }) => status === 200,
    'a driver comes': ({ status, body }) => status === 200 && typeof body === 'string' && body.includes('"driver":'),
  });
  if (plan.thinks) sleep(thinkSeconds.min + Math.random() * (thinkSeconds.max - thinkSeconds.min));
}
