/**
 * Hot attributes: those of HTTP and SQL that nearly every service has, and some of HotROD's. Each has a column of its own
 * in `spans` and `roots` and is then not in the MAP `attributes`, because a question reads a column ten times as fast as a
 * key of a MAP. Those that most spans have come first, which makes a span cheap to store. What is added here or below
 * changes the tables: `schemaVersion` in store/database.ts grows by one.
 */
const hotKeys = [
  'session.id',
  'hotrod.request.id',
  'hotrod.client.id',
  'hotrod.customer.name',
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'url.path',
  'url.scheme',
  'server.address',
  'server.port',
  'network.protocol.version',
  'network.peer.address',
  'network.peer.port',
  'db.system.name',
  'db.namespace',
  'db.query.text',
  'db.operation.name',
  'db.response.returned_rows',
  'url.full',
  'url.query',
  'url.template',
  'client.address',
  'user_agent.original',
  'error.type',
  'code.function.name',
  'thread.id',
  'hotrod.customer.id',
] as const;

/** Attributes of HotROD's wide events: hot on entry spans, rare on others. They have columns in `roots` alone. */
const hotRootKeys = [
  'hotrod.customer.location',
  'hotrod.driver.id',
  'hotrod.driver.candidates',
  'hotrod.driver.distance',
  'hotrod.driver.read.failures',
  'hotrod.driver.claim.attempts',
  'hotrod.ride.eta',
  'hotrod.route.count',
  'hotrod.route.distance',
  'hotrod.route.eta',
  'hotrod.route.pool.size',
  'hotrod.route.pool.wait.max',
  'hotrod.route.pool.wait.total',
  'hotrod.phase.customer.duration',
  'hotrod.phase.drivers.duration',
  'hotrod.phase.routes.duration',
  'hotrod.phase.claim.duration',
  'hotrod.dispatch.outcome',
  'hotrod.fault.flags',
] as const;

/** From key to column: the key with underscores, `http_route`. */
const columnsOfKeys = (keys: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key, key.replaceAll('.', '_')]));

/** The columns of hot attributes in `spans` and `roots`. */
export const promotedAttributes = columnsOfKeys(hotKeys);
/** The columns that `roots` has beside those. */
export const rootAttributes = columnsOfKeys(hotRootKeys);

/**
 * Older names of hot attributes (OpenTelemetry's semantic conventions before 1.23 for HTTP, 1.28 for databases), which
 * many programs send still. They are stored as they were sent, and a copy of their value is in the column of the newer
 * name, if that one was not sent. So filters, groups, statements and the service map know both by the newer name.
 */
export const olderNames: Readonly<Record<string, (typeof hotKeys)[number]>> = {
  'db.name': 'db.namespace',
  'db.operation': 'db.operation.name',
  'db.statement': 'db.query.text',
  'db.system': 'db.system.name',
  'http.client_ip': 'client.address',
  'http.method': 'http.request.method',
  'http.scheme': 'url.scheme',
  'http.status_code': 'http.response.status_code',
  'http.target': 'url.path',
  'http.url': 'url.full',
  'http.user_agent': 'user_agent.original',
  'net.peer.name': 'server.address',
  'net.peer.port': 'server.port',
};

/** The value of an older name as the newer one has it: a target is a path with its query. */
export function valueOfNewer(olderName: string, value: string): string {
  return olderName === 'http.target' ? (value.split('?', 1)[0] ?? '') : value;
}
