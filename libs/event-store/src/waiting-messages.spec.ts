import { describe, expect, it } from '@jest/globals';
import { positionOf as placeOf } from './event-store.js';
import type { LogPosition, SubscriptionMessage } from './event-store.js';
import {
  caughtUpMessage,
  checkpointMessage,
  eventMessage,
  positionOf,
} from './testing/messages.js';
import { WaitingMessages } from './waiting-messages.js';

const BEYOND = 2n ** 64n - 1n;

describe('Messages that wait', () => {
  it('come in their order, and end with what ended them', async () => {
    const waiting = waitingAfter('start', eventMessage(0), caughtUpMessage, eventMessage(1));
    waiting.fail(new Error('connection lost'));
    expect(await taken(waiting, 3)).toEqual([positionOf(0), 'caught-up', positionOf(1)]);
    await expect(waiting.next()).rejects.toThrow('connection lost');
  });

  it.each([
    ['beyond every log', BEYOND],
    ['one beyond the last', 2n ** 63n],
    ['where it was reached before', positionOf(2)],
    ['before that', positionOf(1)],
  ])('leave out a checkpoint %s', async (_, position) => {
    const waiting = waitingAfter(positionOf(1), eventMessage(2), checkpointMessage(position));
    waiting.add(eventMessage(3));
    expect(await taken(waiting, 2)).toEqual([positionOf(2), positionOf(3)]);
  });

  it('take the first and the last place of a log for what they are', async () => {
    const last = checkpointMessage(2n ** 63n - 1n);
    const waiting = waitingAfter('start', checkpointMessage(0n), caughtUpMessage, last);
    expect(await taken(waiting, 3)).toEqual([0n, 'caught-up', 2n ** 63n - 1n]);
  });

  it.each([
    ['again', positionOf(2)],
    ['from before', positionOf(0)],
    ['from beyond every log', BEYOND],
  ])('fail at an event %s, and lead nobody past it', async (_, position) => {
    const waiting = waitingAfter('start', eventMessage(2), eventAt(position), eventMessage(3));
    expect(await taken(waiting, 1)).toEqual([positionOf(2)]);
    await expect(waiting.next()).rejects.toThrow(`an event came at position ${position}`);
  });

  it('fail at an event from before the place where the subscription goes on', async () => {
    const waiting = waitingAfter(positionOf(7), eventMessage(7));
    await expect(waiting.next()).rejects.toThrow('an event came at position');
  });
});

function waitingAfter(after: bigint | 'start', ...messages: readonly SubscriptionMessage[]) {
  const waiting = new WaitingMessages(after);
  for (const message of messages) waiting.add(message);
  return waiting;
}

async function taken(waiting: WaitingMessages, count: number) {
  const places: (LogPosition | 'caught-up' | undefined)[] = [];
  for (let number = 0; number < count; number++) {
    const message = await waiting.next();
    places.push(message?.kind === 'caught-up' ? message.kind : message && placeOf(message));
  }
  return places;
}

function eventAt(position: bigint): SubscriptionMessage {
  const message = eventMessage(0);
  if (message.kind !== 'event') throw new Error('it is no event');
  return { kind: 'event', event: { ...message.event, position } };
}
