/** The Observatory's status, at the foot of every page. */
import { computed, effect, signal } from '@preact/signals';
import { type Status, statusSchema } from '../../contract/contract.ts';
import { apiPath, ask, type Failure } from '../api/client.ts';
import { formatBytes, formatCount } from '../format/number.ts';
import { formatAgo } from '../format/time.ts';
import { oldestMs } from '../state/clock.ts';
import { KeysButton } from './keys.tsx';

const everyMs = 5000;
/** The status costs nothing: an Observatory that has not sent it by then hangs, or is far too busy. */
const deadlineMs = 8000;
let looking = false;
const status = signal<Status | null>(null);
const failure = signal<Failure | null>(null);

/** Whether it answered when it was last asked; true until it has been asked. */
export const isReached = computed(() => failure.value === null);
export const storeIsEmpty = computed(() => status.value !== null && status.value.traces === 0);
/** The port that receives OTLP; the usual one until the status is known. */
export const otlpPort = computed(() => status.value?.otlpPort ?? 4318);
export const otlpGrpcPort = computed(() => status.value?.otlpGrpcPort ?? 4317);
/** The address of the rides page; null if it is not configured. */
const ridesUrl = computed(() => webPage(status.value?.ridesUrl ?? null));

async function look(): Promise<void> {
  if (document.visibilityState === 'hidden' || looking) return;
  looking = true;
  const outcome = await ask(statusSchema, apiPath('status', {}), new AbortController().signal, deadlineMs).finally(
    () => {
      looking = false;
    },
  );
  failure.value = outcome.failure;
  if (outcome.failure === null) status.value = outcome.data;
  oldestMs.value = outcome.failure === null ? outcome.data.oldestMs : (oldestMs.value ?? null);
}

/** Begins to ask for the status, now and every five seconds. */
export function watchStatus(): void {
  effect(() => {
    void look();
    const timer = setInterval(() => void look(), everyMs);
    return () => clearInterval(timer);
  });
}

/** A line above the page while the Observatory does not answer; what is shown below it is then old. */
export function ConnectionBanner() {
  if (failure.value === null || status.value === null) return null;
  return (
    <p class="banner" role="alert">
      <strong>The Observatory does not answer.</strong> What you see is the last it said; this page goes on by itself
      once it answers. Is <code>npm start</code> still running?
    </p>
  );
}

export function StatusFooter() {
  const known = status.value;
  if (known === null) return <footer class="status">{failure.value === null ? '' : 'No answer'}</footer>;
  const refused = known.refused.spans + known.refused.logs + known.refused.metrics;
  const full = known.queue.items / Math.max(1, known.queue.limit);
  return (
    <footer class="status num" aria-label="State of the Observatory">
      <span class="muted" title="Counted from the start of this Observatory on">
        Since its start:
      </span>
      <Figure name="Received" title={each(known.received)} value={`${formatCount(known.received.spans)} spans`} />
      <Figure name="Stored" title={each(known.stored)} value={`${formatCount(known.stored.spans)} spans`} />
      <Figure
        name="Refused"
        title={
          refused === 0
            ? 'Nothing was refused'
            : `${each(known.refused)}: sent faster than they could be stored, or not valid`
        }
        value={formatCount(refused)}
        bad={refused > 0}
      />
      <Figure
        name="Queue"
        title={`${formatCount(known.queue.items)} of at most ${formatCount(known.queue.limit)} items wait to be stored`}
        value={formatCount(known.queue.items)}
        bad={full > 0.8}
      />
      <span class="muted" title="All that is stored, whenever it came">
        In the store:
      </span>
      <Figure name="Traces" value={formatCount(known.traces)} />
      <Figure name="On disk" value={formatBytes(known.databaseBytes)} />
      {known.newestMs !== null && <Figure name="Newest" value={formatAgo(known.newestMs, Date.now())} />}
      <span class="grow" />
      <KeysButton />
      <a href={apiPath('openapi.yaml', {})}>API</a>
      <span class="muted">Observatory {known.version}</span>
    </footer>
  );
}

/** The link to the rides page; nothing if its address is not known. */
export function RidesLink() {
  if (ridesUrl.value === null) return null;
  return (
    <a class="rides-link" href={ridesUrl.value} target="_blank" rel="noopener" aria-label="Rides, in a new tab">
      Rides <span aria-hidden="true">↗</span>
    </a>
  );
}

function webPage(address: string | null): string | null {
  if (address === null || !URL.canParse(address)) return null;
  return /^https?:$/.test(new URL(address).protocol) ? address : null;
}

function each(counts: Status['received']): string {
  return `${formatCount(counts.spans)} spans, ${formatCount(counts.logs)} logs, ${formatCount(counts.metrics)} metrics`;
}

function Figure({ name, value, title, bad = false }: { name: string; value: string; title?: string; bad?: boolean }) {
  return (
    <span title={title ?? name} class={bad ? 'is-error' : undefined}>
      <span class="muted">{name}</span> {value}
    </span>
  );
}
