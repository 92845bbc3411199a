import { setTimeout as pause } from 'node:timers/promises';
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

  it('wake no process at rest more than ten times a second to see how late its event loop is', async () => {
    const metrics = createMetrics();
    // Each question begins anew, and two looks make an interval.
    await pause(500);
    const p50 = /^nodejs_eventloop_lag_p50_seconds (.*)$/m.exec(await metrics.metrics())?.[1];
    expect(Number(p50)).toBeGreaterThan(0.09);
  });
});
