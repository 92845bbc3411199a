import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { consumeInBatches } from './consume-in-batches.js';
import type { Batch } from './consume-in-batches.js';
import type { SubscriptionMessage } from '@app/event-store';
import {
  MessageSource,
  caughtUpMessage,
  messageOfCheckpoint,
  messageOfEvent,
  numberOf,
  positionOfNumber,
} from '@app/event-store/testing/messages.js';
import { eventually } from '../../../test/support/eventually.js';
import { Gate, settled } from '@app/event-store/testing/settled.js';

describe('Consuming in batches', () => {
  it('hands on one event as soon as it arrives', async () => {
    const { source, batches, consumed } = consuming({ maxBatchSize: 10 });
    for (let number = 0; number < 3; number++) {
      source.send(messageOfEvent(number));
      await settled();
      expect(numbersOf(batches)).toEqual(Array.from({ length: number + 1 }, (_, n) => [n]));
    }
    await finished(source, consumed);
  });

  it('puts off what may wait, until something comes that may not, and not for long', async () => {
    const { source, batches, consumed } = consuming({
      maxBatchSize: 10,
      mayBePutOff: (message) => message.kind === 'event' && numberOf(message.event) < 3,
    });
    source.send(...events(0, 2));
    await settled();
    expect(batches).toEqual([]);
    source.send(messageOfEvent(2), messageOfEvent(3));
    await settled();
    expect(numbersOf(batches)).toEqual([[0, 1, 2, 3]]);
    source.send(messageOfEvent(1));
    await eventually(() => expect(numbersOf(batches)).toEqual([[0, 1, 2, 3], [1]]));
    source.send(messageOfEvent(2));
    await settled();
    source.send(caughtUpMessage);
    await settled();
    expect(numbersOf(batches).at(-1)).toEqual([2]);
    source.send(messageOfEvent(0));
    await finished(source, consumed);
    expect(numbersOf(batches).at(-1)).toEqual([0]);
  });

  it('hands on together what was appended together and arrives one by one', async () => {
    const { source, batches, consumed } = consuming({ maxBatchSize: 10 });
    source.send(messageOfEvent(0));
    await Promise.resolve();
    await Promise.resolve();
    source.send(messageOfEvent(1));
    await settled();
    expect(numbersOf(batches)).toEqual([[0, 1]]);
    await finished(source, consumed);
  });

  it('hands on together what arrived during the batch before, in order, up to the most', async () => {
    const gates = [new Gate(), new Gate(), new Gate()];
    const { source, batches, consumed } = consuming({ maxBatchSize: 4, gates });
    source.send(messageOfEvent(0));
    await settled();
    source.send(...events(1, 7));
    await settled();
    expect(numbersOf(batches)).toEqual([[0]]);
    gates[0]?.open();
    await settled();
    expect(numbersOf(batches)).toEqual([[0], [1, 2, 3, 4]]);
    gates[1]?.open();
    await settled();
    expect(numbersOf(batches)).toEqual([[0], [1, 2, 3, 4], [5, 6]]);
    gates[2]?.open();
    await finished(source, consumed);
  });

  it('handles one batch at a time and loses nothing of a thousand events', async () => {
    const { source, batches, consumed, mostAtOnce } = consuming({ maxBatchSize: 7 });
    source.send(...events(0, 1_000));
    await finished(source, consumed);
    expect(numbersOf(batches).flat()).toEqual(Array.from({ length: 1_000 }, (_, number) => number));
    expect(Math.max(...batches.map((batch) => batch.events.length))).toBe(7);
    expect(mostAtOnce()).toBe(1);
  });

  it('holds the store back at twice the batch size', async () => {
    const gates = [new Gate()];
    const { source, batches, consumed } = consuming({ maxBatchSize: 5, gates });
    source.send(messageOfEvent(0));
    await settled();
    source.send(...events(1, 100));
    await settled();
    expect(source.taken).toBe(1 + 10);
    gates[0]?.open();
    await finished(source, consumed);
    expect(numbersOf(batches).flat()).toHaveLength(100);
  });

  it('reports how far the log has been seen', async () => {
    const { source, batches, consumed } = consuming({ maxBatchSize: 10 });
    source.send(messageOfEvent(0), messageOfEvent(1), messageOfCheckpoint(950n));
    await settled();
    source.send(messageOfCheckpoint(2_000n));
    await settled();
    expect(batches.at(-1)).toEqual({ events: [], position: 2_000n, caughtUp: false });
    source.send(messageOfEvent(30), messageOfCheckpoint(positionOfNumber(31)), messageOfEvent(32));
    await finished(source, consumed);
    expect(batches.map(({ position }) => position).at(-1)).toBe(positionOfNumber(32));
    expect(isGrowing(batches)).toBe(true);
  });

  it('says from when on everything older has been handed on', async () => {
    const { source, batches, consumed } = consuming({ maxBatchSize: 10 });
    source.send(messageOfEvent(0));
    await settled();
    source.send(caughtUpMessage);
    await settled();
    expect(batches).toHaveLength(1);
    source.send(messageOfEvent(1));
    await settled();
    source.send(messageOfEvent(2));
    await finished(source, consumed);
    expect(batches.map(({ caughtUp }) => caughtUp)).toEqual([false, true, true]);
  });

  it('ends with the failure of its handler and leaves the subscription', async () => {
    const gates = [new Gate()];
    const { source, batches, consumed } = consuming({ maxBatchSize: 5, gates });
    source.send(...events(0, 40));
    await settled();
    gates[0]?.fail(new Error('the database is away'));
    await expect(consumed).rejects.toThrow('the database is away');
    await settled();
    expect(batches).toHaveLength(1);
    expect(source.left).toBe(true);
  });

  it('handles what was received before it ends with the failure of its source', async () => {
    const gates = [new Gate()];
    const { source, batches, consumed } = consuming({ maxBatchSize: 4, gates });
    source.send(messageOfEvent(0));
    await settled();
    source.send(...events(1, 6)).finish(new Error('connection lost'));
    await settled();
    expect(numbersOf(batches)).toEqual([[0]]);
    gates[0]?.open();
    await expect(consumed).rejects.toThrow('connection lost');
    expect(numbersOf(batches).flat()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is not done while a batch is under way', async () => {
    const gates = [new Gate()];
    const { source, consumed } = consuming({ maxBatchSize: 4, gates });
    let done = false;
    const observed = consumed.then(() => (done = true));
    source.send(messageOfEvent(0)).finish();
    await settled();
    expect(done).toBe(false);
    gates[0]?.open();
    await observed;
  });

  it('may be used for one subscription after the other', async () => {
    const numbers: number[] = [];
    const consume = consumeInBatches({
      maxBatchSize: 2,
      handle: async (batch) => void numbers.push(...batch.events.map(numberOf)),
    });
    await consume(new MessageSource().send(...events(0, 3)).finish());
    await consume(new MessageSource().send(...events(3, 6)).finish());
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('ends at once where there is nothing', async () => {
    const { source, batches, consumed } = consuming({ maxBatchSize: 4 });
    await finished(source, consumed);
    expect(batches).toEqual([]);
  });
});

/** Starts a consumer whose n-th batch takes until the n-th gate opens; those beyond pass at once. */
function consuming(options: {
  maxBatchSize: number;
  gates?: readonly Gate[];
  mayBePutOff?: (message: SubscriptionMessage) => boolean;
}) {
  const batches: Batch[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  const source = new MessageSource();
  const consume = consumeInBatches({
    maxBatchSize: options.maxBatchSize,
    mayBePutOff: options.mayBePutOff ?? (() => false),
    handle: async (batch) => {
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      batches.push(batch);
      await options.gates?.[batches.length - 1]?.promise;
      await nextTurn();
      atOnce--;
    },
  });
  const consumed = consume(source);
  return { source, batches, consumed, mostAtOnce: () => mostAtOnce };
}

async function finished(source: MessageSource, consumed: Promise<void>): Promise<void> {
  source.finish();
  await consumed;
}

function events(from: number, to: number): SubscriptionMessage[] {
  return Array.from({ length: to - from }, (_, index) => messageOfEvent(from + index));
}

function numbersOf(batches: readonly Batch[]): number[][] {
  return batches.map((batch) => batch.events.map(numberOf));
}

function isGrowing(batches: readonly Batch[]): boolean {
  return batches.every(({ position }, index) => position > (batches[index - 1]?.position ?? -1n));
}
