import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { CommandBus, CqrsModule, Saga } from '@nestjs/cqrs';
import type { ICommand, IEvent, ISaga } from '@nestjs/cqrs';
import { lastValueFrom, of, toArray } from 'rxjs';

/** `@Saga()` lists the methods of a class under a key of its metadata that the package does not export. */
class Decorated {
  @Saga() saga() {}
}
const [SAGA_METHODS] = Reflect.getMetadataKeys(Decorated) as unknown[];

/**
 * Shows events to sagas so that both can be relied upon: `dispatch` resolves when every command that a saga asked for
 * has completed. A saga sees each event in a stream of its own: one that throws fails this event, and no other.
 *
 * The bus of @nestjs/cqrs runs the commands of its sagas unobserved, and takes a saga that throws out of
 * service without a word. A feed could not know then when its checkpoint may move.
 */
@Injectable()
export class DurableEventBus implements OnApplicationBootstrap {
  private sagas: readonly ISaga[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly commands: CommandBus,
  ) {}

  onApplicationBootstrap(): void {
    this.sagas = this.discovery.getProviders().flatMap(({ metatype, instance }) => {
      const methods: string[] = (metatype && Reflect.getMetadata(SAGA_METHODS, metatype)) ?? [];
      return methods.map(
        (method): ISaga =>
          (events) =>
            instance[method](events),
      );
    });
  }

  /**
   * Shows the event to every saga and waits for all commands that follow from it.
   *
   * @throws what a saga or the handler of one of its commands threw; the event is to be dispatched again
   */
  async dispatch(event: IEvent): Promise<void> {
    await allOf(this.sagas.map((saga) => this.react(saga, event)));
  }

  private async react(saga: ISaga, event: IEvent): Promise<void> {
    const asked = await lastValueFrom(saga(of(event)).pipe(toArray()));
    await allOf(asked.map((command) => this.run(command)));
  }

  /** Asynchronous, so that a command without a handler rejects like one whose handler failed. */
  private async run(command: ICommand): Promise<void> {
    await this.commands.execute(command);
  }
}

/** @throws the first failure, when all have ended */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** The bus of the framework subscribes to every saga as well, unobserved: nothing may reach them through it. */
function refuse(): never {
  throw new Error('events reach sagas through DurableEventBus.dispatch() only');
}

/** Commands, their handlers and sagas of @nestjs/cqrs, with events from the durable event bus alone. */
@Module({
  imports: [DiscoveryModule, CqrsModule.forRoot({ eventPublisher: { publish: refuse } })],
  providers: [DurableEventBus],
  exports: [DurableEventBus],
})
export class DurableCqrsModule {}
