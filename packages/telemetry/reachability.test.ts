import { beforeEach, describe, expect, it } from 'vitest';

import { createReachability, type Reachability } from './reachability.ts';

let said: string[];
let backend: Reachability;
beforeEach(() => {
  said = [];
  backend = createReachability('http://backend:4318', (line) => said.push(line));
});

describe('a backend that does not answer', () => {
  it('is reported once, with address and reason, and once when it answers again', () => {
    backend.succeeded('traces');
    expect(said).toEqual([]);
    backend.failed('traces', 'connect ECONNREFUSED', false);
    expect(said).toEqual([
      'Telemetry cannot be delivered to http://backend:4318 (connect ECONNREFUSED). The service runs on; telemetry is dropped until it can.',
    ]);
    for (const signal of ['metrics', 'logs', 'traces'] as const) backend.failed(signal, 'Request timed out', false);
    expect(said).toHaveLength(1);
    backend.succeeded('logs');
    backend.succeeded('traces');
    expect(said.slice(1)).toEqual(['Telemetry is delivered to http://backend:4318 again.']);
  });

  it('is reported again when it is lost again', () => {
    for (let time = 0; time < 3; time += 1) {
      backend.failed('traces', 'x', false);
      backend.succeeded('traces');
    }
    expect(said).toHaveLength(6);
  });
});

describe('a backend that takes some signals only', () => {
  it('is reported once for each signal that it refuses', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      backend.succeeded('traces');
      backend.failed('metrics', 'Not Found', true);
      backend.failed('logs', 'Not Found', true);
    }
    expect(said).toEqual([
      'http://backend:4318 does not take metrics (Not Found). The service runs on; metrics are dropped until it does.',
      'http://backend:4318 does not take logs (Not Found). The service runs on; logs are dropped until it does.',
    ]);
  });

  it('is reported when it takes a signal after all', () => {
    backend.failed('metrics', 'Not Found', true);
    backend.succeeded('traces');
    backend.succeeded('metrics');
    backend.succeeded('metrics');
    expect(said.slice(1)).toEqual(['http://backend:4318 takes metrics again.']);
  });
});
