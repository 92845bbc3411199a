import { Counter, Registry, collectDefaultMetrics } from 'prom-client';
import { droppedLogLines } from './log.js';

/**
 * How often Node looks how late its event loop is, in milliseconds: each look wakes the process, also at rest. The
 * figures contain this interval.
 */
const EVENT_LOOP_LOOKS_EVERY_MS = 100;

/** A registry that already has Node's own figures (CPU, memory, event-loop lag), and that of the log. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_LOOKS_EVERY_MS,
  });
  new Counter({
    name: 'log_lines_dropped_total',
    help: 'Lines of the log that found no room: it was not read, or its disk was full',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(droppedLogLines());
    },
  });
  return registry;
}
