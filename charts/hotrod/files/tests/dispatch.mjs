// The pod of `helm test`: orders a ride, and finds its whole trace in the Observatory. Ends with 1 and a sentence where
// something is missing. Runs in the image of a service: Node alone, no packages.
// oxlint-disable-next-line node/no-process-env -- this file is the whole program
const { FRONTEND_URL, OBSERVATORY_URL, SERVICES = '', TIMEOUT_SECONDS = '90' } = process.env;
const deadline = Date.now() + Number(TIMEOUT_SECONDS) * 1000;
const expected = SERVICES.split(',');
const wanted = ['k8s.namespace.name', 'k8s.pod.name', 'k8s.pod.uid', 'k8s.node.name', 'k8s.deployment.name'];

/** Asks until `look` finds something, or tells at the end why it did not. */
async function eventually(look) {
  for (;;) {
    let reason;
    try {
      const found = await look();
      if (typeof found !== 'string') return found;
      reason = found;
    } catch (error) {
      reason = `${error.message}${error.cause ? ` (${error.cause.message})` : ''}`;
    }
    if (Date.now() > deadline) {
      console.error(`FAILED: ${reason}`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const get = (url) => fetch(url, { signal: AbortSignal.timeout(15_000) });

const traceId = await eventually(async () => {
  const answer = await get(`${FRONTEND_URL}/dispatch?customer=123`);
  if (!answer.ok) return `The frontend answered an order with ${answer.status}: ${(await answer.text()).slice(0, 500)}`;
  const { driver } = await answer.json();
  const [, id] = (answer.headers.get('traceresponse') ?? '').split('-');
  if (!id) return 'The frontend answered without a trace id: is OTEL_SDK_DISABLED set?';
  console.log(`A ride was ordered: driver ${driver} comes; trace ${id}.`);
  return { id };
}).then(({ id }) => id);

if (!OBSERVATORY_URL) {
  console.log('There is no Observatory in this release, so its trace is not looked for.');
  process.exit(0);
}

const spans = await eventually(async () => {
  const answer = await get(`${OBSERVATORY_URL}/api/traces/${traceId}`);
  if (!answer.ok) return `The Observatory answered ${answer.status} to the trace: has its data arrived?`;
  const trace = await answer.json();
  const missing = expected.filter((service) => !trace.spans.some((span) => span.service === service));
  return missing.length > 0 ? `The trace has no span of ${missing.join(', ')}.` : trace.spans;
});

for (const { service, resource } of spans) {
  const lacking = wanted.filter((name) => !resource[name]);
  if (lacking.length > 0) {
    console.error(`FAILED: a span of ${service} lacks ${lacking.join(', ')}.`);
    process.exit(1);
  }
}
const pods = new Set(spans.map(({ resource }) => resource['k8s.pod.name']));
console.log(`Its trace is there: ${spans.length} spans of ${expected.join(', ')} in ${pods.size} pods.`);
