import { fileURLToPath } from 'node:url';

import { createCustomersClient } from '@hotrod/customer/client';
import { createDriversClient } from '@hotrod/driver/client';
import { candidates } from '@hotrod/driver/contract';
import { createServiceClient } from '@hotrod/kit/client';
import { describeSettings, readCommandLine } from '@hotrod/kit/command-line';
import { parseKeyValueList, readConfig, releaseOf } from '@hotrod/kit/config';
import { createServiceFlags } from '@hotrod/kit/flags';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { ensurePageBuilt } from '@hotrod/kit/page-build';
import { serve } from '@hotrod/kit/service';
import { createWorkerPool } from '@hotrod/kit/worker-pool';
import { createRoutesClient } from '@hotrod/route/client';
import { flagEvaluated } from '@hotrod/telemetry/flags';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { createAdmission } from './admission.ts';
import { type FrontendConfig, settings, traceUrlTemplate } from './config.ts';
import { createDispatch } from './dispatch.ts';
import { createContextlessRoutes, createImpatientDrivers, sizePool } from './faults.ts';
import { eventRoutes } from './event-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { createRideFeed } from './ride-feed.ts';
import { frontendRoutes } from './routes.ts';
import { spanRelay, type SpanSink } from './span-relay.ts';
import { servedBy } from './telemetry.ts';

await runMain('frontend', async () => {
  readCommandLine('frontend', {
    help: `The frontend of HotROD: the rides page, and the dispatch of a ride by the three other services.\n\n${describeSettings(settings)}`,
  });
  const config = readConfig(settings, process.env);
  const logger = createLogger('frontend', config.logLevel);
  const flags = await createServiceFlags('frontend', config, logger, flagEvaluated);
  const clientOf = (service: 'customer' | 'driver' | 'route', baseUrl: string, timeoutMs: number) =>
    createServiceClient({
      service,
      baseUrl,
      timeoutMs,
      connections: config.connections,
      answeredBy: (release) => servedBy(service, release),
    });
  const customer = clientOf('customer', config.customerUrl, config.customerTimeoutMs);
  const driver = clientOf('driver', config.driverUrl, config.driverTimeoutMs);
  const route = clientOf('route', config.routeUrl, config.routeTimeoutMs);

  const customers = createCustomersClient(customer);
  const pool = createWorkerPool(config.routePoolSize);
  sizePool(pool, flags, config.routePoolSize);
  const dispatch = createDispatch({
    customers,
    drivers: createImpatientDrivers(createDriversClient(driver), flags),
    routes: createContextlessRoutes(createRoutesClient(route), flags),
    pool,
    admission: createAdmission({ pool, routesPerRide: candidates, maxWaitMs: config.routePoolMaxWaitMs }),
  });

  const page = fileURLToPath(new URL('./page', import.meta.url));
  await ensurePageBuilt({
    directory: page,
    sources: [fileURLToPath(new URL('../../packages/kit/tokens.css', import.meta.url))],
    log: (line) => logger.info(line),
  });

  const feed = createRideFeed();
  await serve({
    logger,
    listen: config,
    pages: ['/'],
    // Without this, the server would wait for a stream of events as for any answer.
    onClosing: feed.leave,
    ready: {},
    behind: { customer: customer.ready, driver: driver.ready, route: route.ready },
    release: releaseOf(config),
    routes: (express) => {
      frontendRoutes({ dispatch, customers, release: pageRelease(config), logger, feed, faults: flags.inForce })(
        express,
      );
      eventRoutes(feed)(express);
      pageRoutes({ directory: `${page}/dist`, logger })(express);
      spanRelay(spanSink(config))(express);
    },
    closables: [
      { name: 'customer client', close: customer.close },
      { name: 'driver client', close: driver.close },
      { name: 'route client', close: route.close },
      { name: 'flags', close: flags.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});

/** What the page tells of the release, from the same variable that telemetry tells it from. */
function pageRelease(config: FrontendConfig) {
  const resource = parseKeyValueList(config.resourceAttributes);
  return {
    traceUrl: traceUrlTemplate(config.traceUrl),
    observatoryUrl: config.observatoryUrl,
    release: releaseOf(config) ?? 'development',
    revision: resource['vcs.ref.head.revision'] ?? null,
    environment: resource['deployment.environment.name'] ?? 'local',
  };
}

function spanSink(config: FrontendConfig): SpanSink {
  return {
    url: config.otlpTracesEndpoint ?? `${config.otlpEndpoint.replace(/\/$/, '')}/v1/traces`,
    headers: parseKeyValueList(config.otlpHeaders),
  };
}
