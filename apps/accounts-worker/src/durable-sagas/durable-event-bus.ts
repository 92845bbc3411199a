import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus, EventBus } from '@nestjs/cqrs';
import type { ICommand, IEvent, ISaga } from '@nestjs/cqrs';
import { retry, tap } from 'rxjs';

/**
 * An event bus whose sagas can be relied upon: `dispatch` tells when everything that the sagas asked for
 * has been done, and a saga that throws goes on with the next event.
 *
 * The bus of @nestjs/cqrs runs the commands of its sagas unobserved, and takes a saga that throws out of
 * service without a word. A feed could not know then when its checkpoint may move.
 */
@Injectable()
export class DurableEventBus extends EventBus {
  /** The base class keeps its own to itself. */
  @Inject() private readonly commands: CommandBus;

  /** What the event at hand has led to; sagas map synchronously, so that the context holds. */
  private readonly outcomes = new AsyncLocalStorage<Outcomes>();

  /**
   * Shows the event to every saga and waits for all commands that follow from it.
   *
   * @throws what a saga or the handler of one of its commands threw; the event is to be dispatched again
   */
  async dispatch(event: IEvent): Promise<void> {
    const outcomes: Outcomes = { promises: [], complete: false };
    this.outcomes.run(outcomes, () => this.subject$.next(event));
    outcomes.complete = true;
    const results = await Promise.allSettled(outcomes.promises);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  protected override registerSaga(saga: ISaga): void {
    const commandsOfSaga = saga(this).pipe(
      tap({ error: (error) => this.note(() => Promise.reject(error)) }),
      retry(),
    );
    this.subscriptions.push(
      commandsOfSaga.subscribe((command) => this.note(() => this.run(command))),
    );
  }

  /** Asynchronous, so that a command without a handler rejects like one whose handler failed. */
  private async run(command: ICommand): Promise<void> {
    await this.commands.execute(command);
  }

  private note(work: () => Promise<unknown>): void {
    const outcomes = this.outcomes.getStore();
    if (outcomes === undefined || outcomes.complete) {
      throw new Error(
        'events reach sagas through dispatch() only, and sagas map them synchronously',
      );
    }
    outcomes.promises.push(work());
  }
}

/** What one event has led to. A command that comes once this is complete could not be waited for. */
interface Outcomes {
  readonly promises: Promise<unknown>[];
  complete: boolean;
}
