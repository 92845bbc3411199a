import { describe, expect, it } from '@jest/globals';
import { createMetrics } from './metrics.js';

describe('Metrics', () => {
  it('begin with what Node knows of itself, in a registry of their own', async () => {
    const one = createMetrics();
    const other = createMetrics();
    expect(other).not.toBe(one);
    const text = await one.metrics();
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']) {
      expect(text).toContain(`\n${name} `);
    }
  });
});
