import { describe, expect, it } from '@jest/globals';
import { positionOf } from './event-store.js';
import type { LogPosition, SubscriptionMessage } from './event-store.js';
import {
  caughtUpMessage,
  messageOfCheckpoint,
  messageOfEvent,
  positionOfNumber,
} from './testing/messages.js';
import { WaitingMessages } from './waiting-messages.js';

const BEYOND = 2n ** 64n - 1n;

describe('Messages that wait', () => {
  it('come in their order, and end with what ended them', async () => {
    const waiting = waitingAfter('start', messageOfEvent(0), caughtUpMessage, messageOfEvent(1));
    waiting.fail(new Error('connection lost'));
    expect(await taken(waiting, 3)).toEqual([
      positionOfNumber(0),
      'caught-up',
      positionOfNumber(1),
    ]);
    await expect(waiting.next()).rejects.toThrow('connection lost');
  });

  it.each([
    ['beyond every log', BEYOND],
    ['one beyond the last', 2n ** 63n],
    ['where it was reached before', positionOfNumber(2)],
    ['before that', positionOfNumber(1)],
  ])('leave out a checkpoint %s', async (_, position) => {
    const waiting = waitingAfter(
      positionOfNumber(1),
      messageOfEvent(2),
      messageOfCheckpoint(position),
    );
    waiting.add(messageOfEvent(3));
    expect(await taken(waiting, 2)).toEqual([positionOfNumber(2), positionOfNumber(3)]);
  });

  it('take the first and the last place of a log for what they are', async () => {
    const last = messageOfCheckpoint(2n ** 63n - 1n);
    const waiting = waitingAfter('start', messageOfCheckpoint(0n), caughtUpMessage, last);
    expect(await taken(waiting, 3)).toEqual([0n, 'caught-up', 2n ** 63n - 1n]);
  });

  it.each([
    ['again', positionOfNumber(2)],
    ['from before', positionOfNumber(0)],
    ['from beyond every log', BEYOND],
  ])('fail at an event %s, and lead no consumer past it', async (_, position) => {
    const waiting = waitingAfter('start', messageOfEvent(2), eventAt(position), messageOfEvent(3));
    expect(await taken(waiting, 1)).toEqual([positionOfNumber(2)]);
    await expect(waiting.next()).rejects.toThrow(`an event came at position ${position}`);
  });

  it('fail at an event from before the place where the subscription goes on', async () => {
    const waiting = waitingAfter(positionOfNumber(7), messageOfEvent(7));
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
    places.push(message?.kind === 'caught-up' ? message.kind : message && positionOf(message));
  }
  return places;
}

function eventAt(position: bigint): SubscriptionMessage {
  const message = messageOfEvent(0);
  if (message.kind !== 'event') throw new Error('it is no event');
  return { kind: 'event', event: { ...message.event, position } };
}
