/**
 * Every name of our own that telemetry carries: `hotrod.<thing>.<field>`. What the semantic conventions name keeps
 * their name (`session.id`, `db.query.text`, …) and is not repeated here. A test holds what is emitted against this
 * table, so an attribute that is not here fails.
 */

export interface RegisteredAttribute {
  type: 'string' | 'int' | 'double' | 'boolean' | 'string[]' | 'double[]';
  meaning: string;
  example: string | number | boolean;
}

export const registry = {
  'hotrod.client.id': { type: 'string', meaning: 'who orders rides: a browser or a virtual user', example: 'c7f3' },
  'hotrod.request.id': { type: 'string', meaning: 'one order of one client', example: 'c7f3-12' },
  'hotrod.customer.id': { type: 'int', meaning: 'the customer who is picked up', example: 123 },
  'hotrod.customer.name': { type: 'string', meaning: "the customer's name", example: "Rachel's Floral Designs" },
  // One text instead of two numbers: a comparison of requests then sees 32 places, as it sees 32 names.
  'hotrod.customer.location': { type: 'string', meaning: 'where the customer waits: x,y', example: '115,277' },
  'hotrod.customer.cache.entries': { type: 'int', meaning: 'answers that the cache of customers holds', example: 32 },
  'hotrod.customer.cache.hit': { type: 'boolean', meaning: 'whether the customer was in the cache', example: true },
  'hotrod.driver.id': { type: 'string', meaning: 'the driver who comes', example: 'T712345C' },
  'hotrod.driver.candidates': { type: 'int', meaning: 'how many drivers were near and free', example: 10 },
  'hotrod.driver.distance': { type: 'double', meaning: 'metres the driver has to go', example: 431 },
  'hotrod.driver.read.failures': {
    type: 'int',
    meaning: 'reads of single drivers that failed and were tried again',
    example: 2,
  },
  'hotrod.driver.claim.attempts': { type: 'int', meaning: 'drivers asked until one was still free', example: 1 },
  'hotrod.ride.eta': { type: 'double', meaning: 'seconds until the driver is there', example: 125 },
  'hotrod.route.count': { type: 'int', meaning: 'routes that were computed', example: 10 },
  'hotrod.route.distance': { type: 'double', meaning: 'metres along the streets', example: 431 },
  'hotrod.route.eta': { type: 'double', meaning: 'seconds that the route takes', example: 125 },
  'hotrod.route.pool.size': { type: 'int', meaning: 'how many routes may be computed at once', example: 5 },
  'hotrod.route.pool.wait.max': {
    type: 'double',
    meaning: 'seconds that the last of the routes waited for a worker',
    example: 0.031,
  },
  'hotrod.route.pool.wait.total': {
    type: 'double',
    meaning: 'seconds that all routes waited for a worker, added up',
    example: 0.24,
  },
  'hotrod.phase.customer.duration': { type: 'double', meaning: 'seconds to find the customer', example: 0.41 },
  'hotrod.phase.drivers.duration': { type: 'double', meaning: 'seconds to find drivers', example: 0.19 },
  'hotrod.phase.routes.duration': { type: 'double', meaning: 'seconds to compute routes', example: 0.12 },
  'hotrod.phase.claim.duration': { type: 'double', meaning: 'seconds to claim a driver', example: 0.004 },
  'hotrod.fault.flags': { type: 'string[]', meaning: 'fault flags in force', example: 'route-failures' },
  // A release may change one service alone; `service.version` of the root span is the frontend's. While one release
  // replaces another, several of a service may serve one dispatch: they are separated by ", ".
  'hotrod.release.customer': {
    type: 'string',
    meaning: 'service.version of the customer service that served the dispatch',
    example: '0.1.0+1a2b3c4',
  },
  'hotrod.release.driver': {
    type: 'string',
    meaning: 'service.version of the driver service that served the dispatch',
    example: '0.1.0+1a2b3c4',
  },
  'hotrod.release.route': {
    type: 'string',
    meaning: 'service.version of the route service that served the dispatch',
    example: '0.1.0+1a2b3c4',
  },
  'hotrod.dispatch.outcome': {
    type: 'string',
    meaning: 'what became of a dispatch: success, refused (the caller asked wrongly) or failure',
    example: 'success',
  },
} as const satisfies Record<string, RegisteredAttribute>;

/** A name of our own. */
export type HotrodAttribute = keyof typeof registry;

/** The baggage that travels with a dispatch, and becomes attributes of every server span on its way. */
export const baggageKeys = ['session.id', 'hotrod.request.id', 'hotrod.customer.name'] as const;

/** Every metric of our own, with its unit in UCUM as OpenTelemetry asks. */
export const metricNames = {
  'hotrod.dispatch.count': { unit: '{dispatch}', meaning: 'dispatches by outcome' },
  'hotrod.route.calculation.time': {
    unit: 's',
    meaning: 'seconds spent computing routes, by the customer they were for',
  },
} as const satisfies Record<string, { unit: string; meaning: string }>;
