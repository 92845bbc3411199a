import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { CommandHandler, EventBus, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, ICommandHandler, IEvent } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { delay, map, mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { DurableCqrsModule, DurableEventBus } from './durable-event-bus.js';

class Happened {
  constructor(readonly what: string) {}
}
class HappenedTwofold {
  constructor(readonly what: string) {}
}
class HappenedLate {}

class React {
  constructor(readonly to: string) {}
}
class Unhandled {}

/** Lets a spec hold a command open, and says what was done. */
@CommandHandler(React)
class ReactHandler implements ICommandHandler<React> {
  readonly done: string[] = [];
  readonly held = new Map<string, () => void>();

  async execute({ to }: React): Promise<void> {
    if (to.startsWith('fail')) throw new Error(`could not react to ${to}`);
    if (to.startsWith('hold')) await new Promise<void>((go) => this.held.set(to, go));
    this.done.push(to);
  }
}

@Injectable()
class Reactions {
  @Saga()
  once(events: Observable<IEvent>): Observable<ICommand> {
    return events.pipe(
      ofType(Happened),
      map(({ what }) => {
        if (what === 'throw') throw new Error('the saga cannot map this');
        return what === 'unhandled' ? new Unhandled() : new React(what);
      }),
    );
  }

  @Saga()
  twice(events: Observable<IEvent>): Observable<ICommand> {
    return events.pipe(
      ofType(HappenedTwofold),
      mergeMap(({ what }) => [new React(`fail ${what}`), new React(`hold ${what}`)]),
    );
  }

  @Saga()
  late(events: Observable<IEvent>): Observable<ICommand> {
    return events.pipe(
      ofType(HappenedLate),
      delay(0),
      map(() => new React('late')),
    );
  }
}

describe('The durable event bus', () => {
  let module: TestingModule | undefined;

  async function start(): Promise<{ bus: DurableEventBus; handler: ReactHandler }> {
    module = await Test.createTestingModule({
      imports: [DurableCqrsModule],
      providers: [Reactions, ReactHandler],
    }).compile();
    await module.init();
    return { bus: module.get(DurableEventBus), handler: module.get(ReactHandler) };
  }

  afterEach(async () => {
    await module?.close();
  });

  it('resolves when the command that followed is done', async () => {
    const { bus, handler } = await start();
    let settled = false;
    const dispatched = bus.dispatch(new Happened('hold 1')).then(() => (settled = true));
    await new Promise(setImmediate);
    expect({ settled, done: handler.done }).toEqual({ settled: false, done: [] });
    handler.held.get('hold 1')?.();
    await dispatched;
    expect(handler.done).toEqual(['hold 1']);
  });

  it('is done at once with an event that no saga reacts to', async () => {
    const { bus, handler } = await start();
    await bus.dispatch({ nobody: 'cares' });
    expect(handler.done).toEqual([]);
  });

  it('rejects when the command fails', async () => {
    const { bus } = await start();
    await expect(bus.dispatch(new Happened('fail 1'))).rejects.toThrow('could not react to fail 1');
  });

  it('rejects when no handler knows the command', async () => {
    const { bus } = await start();
    await expect(bus.dispatch(new Happened('unhandled'))).rejects.toThrow(/Unhandled/);
  });

  it('rejects when the saga throws, and the saga goes on with the next event', async () => {
    const { bus, handler } = await start();
    for (const attempt of [1, 2]) {
      await expect(bus.dispatch(new Happened('throw'))).rejects.toThrow('cannot map this');
      await bus.dispatch(new Happened(`event ${attempt}`));
    }
    expect(handler.done).toEqual(['event 1', 'event 2']);
  });

  it('waits for every command of an event before it rejects for one of them', async () => {
    const { bus, handler } = await start();
    let outcome = 'open';
    const dispatched = bus.dispatch(new HappenedTwofold('x')).catch((error: Error) => {
      outcome = error.message;
    });
    await new Promise(setImmediate);
    expect(outcome).toBe('open');
    handler.held.get('hold x')?.();
    await dispatched;
    expect({ outcome, done: handler.done }).toEqual({
      outcome: 'could not react to fail x',
      done: ['hold x'],
    });
  });

  it('keeps apart what is dispatched at the same time', async () => {
    const { bus, handler } = await start();
    const outcomes = await Promise.allSettled(
      ['1', 'fail 2', '3'].map((what) => bus.dispatch(new Happened(what))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(handler.done).toEqual(['1', '3']);
  });

  it('waits for the commands of a saga that maps later than at once', async () => {
    const { bus, handler } = await start();
    await bus.dispatch(new HappenedLate());
    expect(handler.done).toEqual(['late']);
  });

  it('is the only way to a saga: the bus of the framework takes no event', async () => {
    const { handler } = await start();
    const framework = module?.get(EventBus);
    expect(() => framework?.publish(new Happened('1'))).toThrow(
      'through DurableEventBus.dispatch() only',
    );
    expect(() => framework?.publishAll([new Happened('1')])).toThrow(
      'through DurableEventBus.dispatch() only',
    );
    await new Promise(setImmediate);
    expect(handler.done).toEqual([]);
  });
});
