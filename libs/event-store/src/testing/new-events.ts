import { randomUUID } from 'node:crypto';
import type { EventMetadata, NewEvent } from '../event-store.js';

/** An event of no meaning. */
export function newEvent(data: unknown = {}, type = 'SomethingHappened'): NewEvent {
  return { id: randomUUID(), type, data, metadata: someMetadata() };
}

/** So many events, numbered from 0 in their data. */
export function newEvents(count: number): [NewEvent, ...NewEvent[]] {
  const [first = newEvent({ number: 0 }), ...rest] = Array.from({ length: count }, (_, number) =>
    newEvent({ number }),
  );
  return [first, ...rest];
}

function someMetadata(): EventMetadata {
  return {
    schemaVersion: 1,
    $correlationId: randomUUID(),
    $causationId: randomUUID(),
    actor: 'worker',
  };
}
