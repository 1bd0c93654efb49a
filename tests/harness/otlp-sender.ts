import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 60_000;

/**
 * Sends one OTLP/JSON request of traces, as an exporter does: if the receiver has no room now (429, 503), the request is
 * sent again after a while.
 *
 * @throws if it is refused otherwise, or for a minute.
 */
export async function sendTraces(otlpUrl: string, request: object): Promise<void> {
  const body = JSON.stringify(request);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const response = await fetch(`${otlpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await response.text();
    if (response.ok) return;
    const isBusy = response.status === 429 || response.status === 503;
    if (!isBusy || Date.now() > deadline) throw new Error(`OTLP refused: ${response.status} ${text}`);
    await sleep(500);
  }
}
