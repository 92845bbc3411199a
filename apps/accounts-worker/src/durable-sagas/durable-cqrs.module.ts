import type { DynamicModule } from '@nestjs/common';
import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { DurableEventBus } from './durable-event-bus.js';

/** The CQRS module with the durable event bus in place of its own: the later provider wins. */
export function durableCqrsModule(): DynamicModule {
  const { providers = [], ...module } = CqrsModule.forRoot();
  return {
    ...module,
    providers: [...providers, DurableEventBus, { provide: EventBus, useExisting: DurableEventBus }],
    exports: [DurableEventBus],
  };
}
