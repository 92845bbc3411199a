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

  /**
   * What the event at hand has led to. Sagas map synchronously, so that a field is enough; an
   * AsyncLocalStorage would make every promise of the process dearer.
   */
  private outcomes: Promise<unknown>[] | undefined;

  /**
   * Shows the event to every saga and waits for all commands that follow from it.
   *
   * @throws what a saga or the handler of one of its commands threw; the event is to be dispatched again
   */
  async dispatch(event: IEvent): Promise<void> {
    const results = await Promise.allSettled(this.outcomesOf(event));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private outcomesOf(event: IEvent): readonly Promise<unknown>[] {
    const before = this.outcomes;
    const outcomes: Promise<unknown>[] = [];
    this.outcomes = outcomes;
    try {
      this.subject$.next(event);
    } finally {
      this.outcomes = before;
    }
    return outcomes;
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
    // A command that comes later than at once could not be waited for.
    if (this.outcomes === undefined) {
      throw new Error(
        'events reach sagas through dispatch() only, and sagas map them synchronously',
      );
    }
    this.outcomes.push(work());
  }
}
