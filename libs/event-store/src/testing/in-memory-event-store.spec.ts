import { describeEventStore } from './event-store.contract.js';
import { InMemoryEventStore } from './in-memory-event-store.js';

describeEventStore('in memory', async () => new InMemoryEventStore());
