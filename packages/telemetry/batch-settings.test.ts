import { describe, expect, it, vi } from 'vitest';

import { batchSettings, positiveSetting } from './batch-settings.ts';

describe('batchSettings', () => {
  it('has defaults that lose no span under load, for unset and for empty variables', () => {
    for (const env of [{}, { OTEL_BSP_SCHEDULE_DELAY: '' }]) {
      expect(batchSettings(env, 'BSP')).toEqual({
        maxQueueSize: 16_384,
        maxExportBatchSize: 2_048,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: 10_000,
      });
    }
  });

  it('keeps what is set, for each signal by itself', () => {
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BLRP_MAX_QUEUE_SIZE: '200' };
    expect(batchSettings(env, 'BSP').maxQueueSize).toBe(100);
    expect(batchSettings(env, 'BLRP').maxQueueSize).toBe(200);
  });
});

describe('positiveSetting', () => {
  it.each(['abc', '0', '-5', 'Infinity', 'NaN'])(
    'warns that %j is not a number above 0, and uses the default',
    (text) => {
      const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      try {
        expect(positiveSetting({ OTEL_METRIC_EXPORT_INTERVAL: text }, 'OTEL_METRIC_EXPORT_INTERVAL', 10_000)).toBe(
          10_000,
        );
        expect(write).toHaveBeenCalledExactlyOnceWith(
          expect.stringContaining(`OTEL_METRIC_EXPORT_INTERVAL is "${text}"`),
        );
      } finally {
        write.mockRestore();
      }
    },
  );
});
