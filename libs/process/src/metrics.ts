import { Registry, collectDefaultMetrics } from 'prom-client';

/** A registry that already has Node's own figures: CPU, memory, event-loop lag. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
