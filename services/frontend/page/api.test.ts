import { describe, expect, test } from 'vitest';
import { parseConfig, parseRide, traceIdOf } from './api.ts';

const customer = { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } };
const driver = { id: 'T712345C', location: { x: 120, y: 270 } };

describe('traceIdOf', () => {
  test('reads the id of a traceresponse', () => {
    expect(traceIdOf('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')).toBe(
      '4bf92f3577b34da6a3ce929d0e0e4736',
    );
  });

  test.each([[null], [''], ['nonsense'], ['00-00000000000000000000000000000000-00f067aa0ba902b7-01']])(
    'finds none in %s',
    (header) => {
      expect(traceIdOf(header)).toBeUndefined();
    },
  );
});

describe('parseRide', () => {
  test('reads what the page needs', () => {
    const route = [driver.location, { x: 115, y: 270 }, customer.location];
    expect(parseRide({ customer, driver, etaSeconds: 24, etaMinutes: 1, distance: 120, route })).toEqual({
      customer,
      driver,
      etaSeconds: 24,
      route,
    });
  });

  test('without a route the car takes the straight way', () => {
    expect(parseRide({ customer, driver, etaSeconds: 24, route: [] })?.route).toEqual([
      driver.location,
      customer.location,
    ]);
  });

  test.each([
    ['null, which the original answered', null],
    ['text', 'ok'],
    ['no driver', { customer, etaSeconds: 24 }],
    ['no place of the driver', { customer, driver: { id: 'T712345C' }, etaSeconds: 24 }],
    ['no ETA', { customer, driver }],
    ['no customer', { driver, etaSeconds: 24 }],
  ])('%s is no ride', (_what, body) => {
    expect(parseRide(body)).toBeUndefined();
  });
});

describe('parseConfig', () => {
  const config = {
    customers: [customer],
    traceUrl: 'http://127.0.0.1:8088/trace/{traceId}',
    observatoryUrl: 'http://127.0.0.1:8088',
    release: '0.1.0',
    revision: 'abc123',
    environment: 'development',
    city: { width: 1000, height: 1000 },
  };

  test('takes what the service says', () => {
    expect(parseConfig(config)).toEqual(config);
  });

  test('works without the release and the link', () => {
    expect(parseConfig({ customers: [customer] })).toEqual({
      customers: [customer],
      traceUrl: null,
      observatoryUrl: null,
      release: 'unknown',
      revision: null,
      environment: 'unknown',
      city: { width: 1000, height: 1000 },
    });
  });

  test('refuses a configuration without customers', () => {
    expect(parseConfig({ ...config, customers: undefined })).toBeUndefined();
    expect(parseConfig({ ...config, customers: [{ id: 'x' }] })).toBeUndefined();
    expect(parseConfig('<html>')).toBeUndefined();
  });
});
