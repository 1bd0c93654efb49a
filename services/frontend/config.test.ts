import { readConfig } from '@hotrod/kit/config';
import { describe, expect, it } from 'vitest';

import { settings, traceUrlTemplate } from './config.ts';

describe('settings', () => {
  it('need nothing to be set', () => {
    expect(readConfig(settings, {})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      customerUrl: 'http://127.0.0.1:8081',
      routePoolSize: 5,
      traceUrl: null,
    });
  });

  it('refuse limits that would admit nothing', () => {
    expect(() => readConfig(settings, { ROUTE_WORKER_POOL_SIZE: '0' })).toThrow('ROUTE_WORKER_POOL_SIZE');
    expect(() => readConfig(settings, { ROUTE_TIMEOUT_MS: '0' })).toThrow('ROUTE_TIMEOUT_MS');
  });

  it('accept only web addresses as links', () => {
    expect(readConfig(settings, {}).observatoryUrl).toBeNull();
    expect(readConfig(settings, { OBSERVATORY_URL: 'https://o11y.example' }).observatoryUrl).toBe(
      'https://o11y.example',
    );
    expect(() => readConfig(settings, { OBSERVATORY_URL: 'javascript:alert(1)' })).toThrow('OBSERVATORY_URL');
  });
});

describe('traceUrlTemplate', () => {
  it.each(['observatory', 'jaeger', 'grafana', 'honeycomb'])('knows the link of %s', (viewer) => {
    const template = traceUrlTemplate(viewer) ?? '';
    expect(template.split('{traceId}')).toHaveLength(2);
    expect(URL.canParse(template.replace('{traceId}', '0af7651916cd43dd8448eb211c80319c'))).toBe(true);
  });

  it('treats anything else as a template', () => {
    expect(traceUrlTemplate('https://tempo.example/{traceId}')).toBe('https://tempo.example/{traceId}');
    expect(traceUrlTemplate('toString')).toBe('toString');
    expect(traceUrlTemplate(null)).toBeNull();
  });
});
