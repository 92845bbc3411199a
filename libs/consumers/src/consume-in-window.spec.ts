import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.js';
import { RetryLater, consumeInWindow } from './consume-in-window.js';
import type { ReachedPlace, WindowOptions } from './consume-in-window.js';
import type { LogPosition, RecordedEvent } from '@app/event-store';
import {
  MessageSource,
  caughtUpMessage,
  messageOfCheckpoint,
  messageOfEvent,
  numberOf,
  positionOfNumber,
} from '@app/event-store/testing/messages.js';
import { Gate, settled } from '@app/event-store/testing/settled.js';

describe('Consuming in a window', () => {
  it('has as many events under way as the window is wide', async () => {
    const { source, gates, started, consumed } = consuming({ windowSize: 3 });
    source.send(...events(10));
    await settled();
    expect(started).toEqual([0, 1, 2]);
    gates(1).open();
    await settled();
    expect(started).toEqual([0, 1, 2, 3]);
    for (let number = 0; number < 10; number++) gates(number).open();
    source.finish();
    await consumed;
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('holds the store back while the window is full', async () => {
    const { source, gates, consumed } = consuming({ windowSize: 4 });
    source.send(...events(50));
    await settled();
    expect(source.taken).toBe(4);
    for (let number = 0; number < 50; number++) gates(number).open();
    source.finish();
    await consumed;
  });

  it('saves no position while an event before it is unfinished', async () => {
    const { source, gates, saved, consumed } = consuming({ windowSize: 3 });
    source.send(...events(3));
    await settled();
    gates(2).open();
    gates(1).open();
    await settled();
    expect(saved).toEqual([]);
    gates(0).open();
    await settled();
    expect(saved).toEqual([positionOfNumber(2)]);
    source.finish();
    await consumed;
  });

  it('saves the checkpoints of the store when everything before is finished', async () => {
    const { source, gates, saved, consumed } = consuming({ windowSize: 3 });
    source.send(messageOfCheckpoint(50n), caughtUpMessage);
    await settled();
    expect(saved).toEqual([50n]);
    source.send(messageOfEvent(0), messageOfCheckpoint(170n));
    await settled();
    expect(saved).toEqual([50n]);
    gates(0).open();
    await settled();
    expect(saved.at(-1)).toBe(170n);
    source.finish();
    await consumed;
  });

  it('passes over what is not to be handled, without a place of the window', async () => {
    const asked: number[] = [];
    const { source, gates, started, saved, consumed } = consuming({
      windowSize: 1,
      isToBeHandled: (event) => {
        asked.push(numberOf(event));
        return numberOf(event) === 2;
      },
    });
    source.send(...events(2));
    await settled();
    expect(saved.at(-1)).toBe(positionOfNumber(1));
    source.send(...events(5).slice(2));
    await settled();
    expect(saved.at(-1)).toBe(positionOfNumber(1));
    gates(2).open();
    source.finish();
    await consumed;
    expect([asked, started]).toEqual([[0, 1, 2, 3, 4], [2]]);
    expect(saved.at(-1)).toBe(positionOfNumber(4));
  });

  it('saves what failed together with the position after it, and goes on meanwhile', async () => {
    const saved: ReachedPlace[] = [];
    const firstSave = new Gate();
    const consume = consumeInWindow({
      windowSize: 2,
      handle: async (event) =>
        numberOf(event) % 2 === 0 ? { event, error: new Error('refused') } : undefined,
      saveCheckpoint: async (reached) => {
        saved.push(reached);
        if (saved.length === 1) await firstSave.promise;
      },
      onFault: (error) => {
        throw error;
      },
      signal: new AbortController().signal,
    });
    const source = new MessageSource().send(...events(6));
    const consumed = consume(source);
    await settled();
    // An event that failed keeps its place until that is on record: what waits to be recorded is bounded, too.
    expect(source.taken).toBeLessThan(6);
    firstSave.open();
    source.finish();
    await consumed;
    expect(source.taken).toBe(6);
    const failed = saved.flatMap(({ failures }) => failures.map(({ event }) => event.position));
    expect(failed).toEqual([0, 2, 4].map(positionOfNumber));
    expect(saved.at(-1)).toMatchObject({
      position: positionOfNumber(5),
      lastEvent: { position: positionOfNumber(5) },
    });
    for (const { position, failures } of saved) {
      for (const { event } of failures) expect(event.position).toBeLessThanOrEqual(position);
    }
  });

  it('saves one position at a time, and the last one before it is done', async () => {
    const firstSave = new Gate();
    let atOnce = 0;
    let mostAtOnce = 0;
    const { source, gates, saved, consumed } = consuming({
      windowSize: 4,
      saveCheckpoint: async () => {
        mostAtOnce = Math.max(mostAtOnce, ++atOnce);
        if (saved.length === 1) await firstSave.promise;
        atOnce--;
      },
    });
    source.send(...events(4)).finish();
    for (let number = 0; number < 4; number++) {
      gates(number).open();
      await settled();
    }
    expect(saved).toEqual([positionOfNumber(0)]);
    firstSave.open();
    await consumed;
    expect(saved).toEqual([positionOfNumber(0), positionOfNumber(3)]);
    expect(mostAtOnce).toBe(1);
  });

  it('saves the last of what is finished during a pause, and at the end without waiting for it', async () => {
    const { source, gates, saved, consumed } = consuming({
      windowSize: 4,
      checkpointPauseMs: 60_000,
    });
    source.send(...events(3));
    await settled();
    for (let number = 0; number < 3; number++) {
      gates(number).open();
      await settled();
    }
    expect(saved).toEqual([positionOfNumber(0)]);
    source.finish();
    await consumed;
    expect(saved).toEqual([positionOfNumber(0), positionOfNumber(2)]);
  });

  it('waits for no pause with a failure: the event keeps its place until that is on record', async () => {
    const { source, gates, saved, consumed } = consuming({
      windowSize: 4,
      checkpointPauseMs: 60_000,
      fails: (number) => number === 1,
    });
    source.send(...events(2));
    await settled();
    for (let number = 0; number < 2; number++) {
      gates(number).open();
      await settled();
    }
    await eventually(() => expect(saved).toEqual([positionOfNumber(0), positionOfNumber(1)]));
    source.finish();
    await consumed;
  });

  it('saves what was finished during a pause when that is over', async () => {
    const { source, gates, saved, consumed } = consuming({ windowSize: 4, checkpointPauseMs: 20 });
    source.send(...events(3));
    await settled();
    for (let number = 0; number < 3; number++) gates(number).open();
    await eventually(() => expect(saved.at(-1)).toBe(positionOfNumber(2)));
    source.finish();
    await consumed;
    expect(saved.length).toBeLessThan(3);
  });

  it('waits for what is under way and saves it before it ends', async () => {
    const { source, gates, saved, consumed } = consuming({ windowSize: 3 });
    let done = false;
    const observed = consumed.then(() => (done = true));
    source.send(...events(2)).finish();
    await settled();
    gates(0).open();
    await settled();
    expect(done).toBe(false);
    gates(1).open();
    await observed;
    expect(saved.at(-1)).toBe(positionOfNumber(1));
  });

  it('does so, too, when its source fails, and fails with it', async () => {
    const { source, gates, saved, consumed } = consuming({ windowSize: 3 });
    const outcome = expect(consumed).rejects.toThrow('connection lost');
    source.send(...events(2)).finish(new Error('connection lost'));
    await settled();
    gates(1).open();
    gates(0).open();
    await outcome;
    expect(saved.at(-1)).toBe(positionOfNumber(1));
  });

  it('never saves a position beyond an unfinished event, whatever finishes first', async () => {
    // Promises overtake each other within one turn of the event loop, too.
    const pace = fc.record({ turns: fc.nat({ max: 2 }), microtasks: fc.nat({ max: 25 }) });
    const completion = fc.record({
      handling: pace,
      saving: pace,
      isCheckpoint: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(completion, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom(0, 0, 1, 1_000),
        fc.boolean(),
        async (plan, windowSize, checkpointPauseMs, sourceFails) => {
          const finished = new Set<number>();
          const saved: LogPosition[] = [];
          let underWay = 0;
          const pausing = async (one?: { turns: number; microtasks: number }) => {
            for (let turn = 0; turn < (one?.turns ?? 0); turn++) await nextTurn();
            for (let task = 0; task < (one?.microtasks ?? 0); task++) await Promise.resolve();
          };
          const consume = consumeInWindow({
            windowSize,
            checkpointPauseMs,
            handle: async (event) => {
              expect(++underWay).toBeLessThanOrEqual(windowSize);
              await pausing(plan[numberOf(event)]?.handling);
              underWay--;
              finished.add(numberOf(event));
              return undefined;
            },
            saveCheckpoint: async ({ position }) => {
              const isUnfinished = (number: number) =>
                positionOfNumber(number) <= position &&
                plan[number]?.isCheckpoint === false &&
                !finished.has(number);
              expect([...plan.keys()].filter(isUnfinished)).toEqual([]);
              expect(position).toBeGreaterThan(saved.at(-1) ?? -1n);
              saved.push(position);
              await pausing(plan[saved.length % plan.length]?.saving);
            },
            onFault: (error) => {
              throw error;
            },
            signal: new AbortController().signal,
          });
          const messages = plan.map(({ isCheckpoint }, number) =>
            isCheckpoint ? messageOfCheckpoint(positionOfNumber(number)) : messageOfEvent(number),
          );
          const source = new MessageSource().send(...messages);
          const consumed = consume(source.finish(sourceFails ? new Error('lost') : undefined));
          if (sourceFails) await expect(consumed).rejects.toThrow('lost');
          else await consumed;
          expect(finished.size).toBe(plan.filter(({ isCheckpoint }) => !isCheckpoint).length);
          expect(saved.at(-1)).toBe(positionOfNumber(plan.length - 1));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('Retrying in a window', () => {
  it('goes on until the event succeeds, with pauses that grow', async () => {
    const { source, saved, consumed, faults, attempts } = retrying({ failures: 3 });
    source.send(messageOfEvent(0));
    await eventually(() => expect(saved).toEqual([positionOfNumber(0)]));
    source.finish();
    await consumed;
    expect(attempts()).toBe(4);
    expect(faults).toHaveLength(3);
    for (const [index, { error, retryInMs }] of faults.entries()) {
      const most = 200 * 2 ** index;
      expect(error).toEqual(new Error('refused'));
      expect(retryInMs).toBeGreaterThanOrEqual(most / 2);
      expect(retryInMs).toBeLessThanOrEqual(most);
    }
  });

  it('does not try again before the failure says so', async () => {
    const { source, saved, consumed, faults, times } = retrying({
      failures: 1,
      error: new RetryLater('too many', 600),
    });
    source.send(messageOfEvent(0));
    await eventually(() => expect(saved).toEqual([positionOfNumber(0)]));
    source.finish();
    await consumed;
    expect(faults.map(({ retryInMs }) => retryInMs)).toEqual([600]);
    expect(Number(times[1]) - Number(times[0])).toBeGreaterThan(590);
  });

  it('backs off even when the failure says to try again at once', async () => {
    const error = new RetryLater('busy', 0);
    const { source, saved, consumed, faults } = retrying({ failures: 2, error });
    source.send(messageOfEvent(0));
    await eventually(() => expect(saved).toEqual([positionOfNumber(0)]));
    source.finish();
    await consumed;
    for (const { retryInMs } of faults) expect(retryInMs).toBeGreaterThanOrEqual(100);
  });

  it('does not hold up the other events of the window', async () => {
    const handled: number[] = [];
    const { source, saved, consumed } = retrying({
      failures: 2,
      isFailing: (event) => numberOf(event) === 0,
      handled,
    });
    source.send(...events(3));
    await settled();
    expect(handled).toEqual([1, 2]);
    expect(saved).toEqual([]);
    await eventually(() => expect(saved).toEqual([positionOfNumber(2)]));
    source.finish();
    await consumed;
    expect(handled).toEqual([1, 2, 0]);
  });

  it.each([
    ['fails', new Error('connection lost')],
    ['ends', undefined],
  ])('ends at once when its source %s, and gives back what has not succeeded', async (_, end) => {
    const handled: number[] = [];
    const { source, saved, consumed, attempts } = retrying({
      failures: Infinity,
      error: new RetryLater('under way', 900_000),
      isFailing: (event) => numberOf(event) === 1,
      handled,
    });
    source.send(...events(4));
    await eventually(() => expect(saved).toEqual([positionOfNumber(0)]));
    source.finish(end);
    if (end) await expect(consumed).rejects.toThrow(end);
    else await consumed;
    expect(handled).toEqual([0, 2, 3]);
    expect(attempts()).toBe(4);
    expect(saved).toEqual([positionOfNumber(0)]);
  });

  it('ends what a handler waits for when its source fails, and does not call that a fault', async () => {
    const faults: unknown[] = [];
    const consume = consumeInWindow({
      windowSize: 2,
      handle: (_, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
      saveCheckpoint: async () => undefined,
      onFault: (error) => faults.push(error),
      signal: new AbortController().signal,
    });
    const source = new MessageSource().send(messageOfEvent(0));
    const consumed = consume(source);
    await settled();
    source.finish(new Error('connection lost'));
    await expect(consumed).rejects.toThrow('connection lost');
    expect(faults).toEqual([]);
  });

  it('saves a checkpoint until that succeeds', async () => {
    const saved: LogPosition[] = [];
    const faults: unknown[] = [];
    const consume = consumeInWindow({
      windowSize: 2,
      handle: async () => undefined,
      saveCheckpoint: async ({ position }) => {
        saved.push(position);
        if (saved.length <= 3) throw new Error('the database is away');
      },
      onFault: (error) => faults.push(error),
      signal: new AbortController().signal,
    });
    const source = new MessageSource().send(messageOfEvent(0));
    const consumed = consume(source);
    await eventually(() => expect(saved).toHaveLength(4));
    source.finish();
    await consumed;
    expect(saved).toEqual([
      positionOfNumber(0),
      positionOfNumber(0),
      positionOfNumber(0),
      positionOfNumber(0),
    ]);
    expect(faults).toHaveLength(3);
  });

  it('ends when it is aborted, without saving what is not finished', async () => {
    const aborting = new AbortController();
    const { source, saved, consumed, attempts } = retrying({
      failures: Infinity,
      signal: aborting.signal,
      isFailing: (event) => numberOf(event) === 1,
    });
    source.send(...events(3));
    await settled();
    const before = attempts();
    aborting.abort();
    source.finish();
    await consumed;
    expect(saved).toEqual([positionOfNumber(0)]);
    expect(attempts()).toBe(before);
  });

  it('ends when it is aborted while a checkpoint cannot be saved', async () => {
    const aborting = new AbortController();
    let tries = 0;
    const consume = consumeInWindow({
      windowSize: 2,
      handle: async () => undefined,
      saveCheckpoint: async () => {
        tries++;
        throw new Error('the database is away');
      },
      onFault: () => undefined,
      signal: aborting.signal,
    });
    const source = new MessageSource().send(...events(3));
    const consumed = consume(source);
    await settled();
    aborting.abort();
    source.finish();
    await consumed;
    expect(tries).toBeGreaterThan(0);
  });
});

/** Starts a consumer in which each event takes until its gate opens. */
function consuming(options: {
  windowSize: number;
  saveCheckpoint?: WindowOptions['saveCheckpoint'];
  checkpointPauseMs?: number;
  fails?: (number: number) => boolean;
  isToBeHandled?: WindowOptions['isToBeHandled'];
}) {
  const source = new MessageSource();
  const started: number[] = [];
  const saved: LogPosition[] = [];
  const gatesByNumber = new Map<number, Gate>();
  const gates = (number: number): Gate => {
    const gate = gatesByNumber.get(number) ?? new Gate();
    gatesByNumber.set(number, gate);
    return gate;
  };
  const consume = consumeInWindow({
    windowSize: options.windowSize,
    isToBeHandled: options.isToBeHandled ?? (() => true),
    handle: async (event) => {
      started.push(numberOf(event));
      await gates(numberOf(event)).promise;
      const isFailing = options.fails?.(numberOf(event));
      return isFailing ? { event, error: new Error('it fails'), afterMs: 0 } : undefined;
    },
    saveCheckpoint: async (reached) => {
      saved.push(reached.position);
      await options.saveCheckpoint?.(reached);
    },
    checkpointPauseMs: options.checkpointPauseMs ?? 0,
    onFault: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
  });
  return { source, started, saved, gates, consumed: consume(source) };
}

/** Starts a consumer whose handler fails so many times. */
function retrying(options: {
  failures: number;
  error?: Error;
  signal?: AbortSignal;
  isFailing?: (event: RecordedEvent) => boolean;
  handled?: number[];
}) {
  const source = new MessageSource();
  const saved: LogPosition[] = [];
  const faults: { error: unknown; retryInMs: number }[] = [];
  const times: number[] = [];
  let left = options.failures;
  const consume = consumeInWindow({
    windowSize: 4,
    handle: async (event) => {
      times.push(Date.now());
      if ((options.isFailing?.(event) ?? true) && left-- > 0) {
        throw options.error ?? new Error('refused');
      }
      options.handled?.push(numberOf(event));
      return undefined;
    },
    saveCheckpoint: async ({ position }) => void saved.push(position),
    onFault: (error, retryInMs) => faults.push({ error, retryInMs }),
    signal: options.signal ?? new AbortController().signal,
  });
  const consumed = consume(source);
  return { source, saved, faults, times, consumed, attempts: () => times.length };
}

function events(count: number) {
  return Array.from({ length: count }, (_, number) => messageOfEvent(number));
}
