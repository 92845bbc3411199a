import { describeEventStore } from './testing/event-store.contract.js';
import { SharingEventStore } from './sharing-event-store.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';

describeEventStore(
  'shared in memory, next to nothing kept',
  async () => new SharingEventStore(new InMemoryEventStore(), 1),
);
