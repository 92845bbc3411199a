import { Counter, Registry, collectDefaultMetrics } from 'prom-client';
import { droppedLogLines } from './log.js';

/** A registry that already has Node's own figures (CPU, memory, event-loop lag), and that of the log. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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
