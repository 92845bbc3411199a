import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { OpenStream } from '../grpc/open-streams.js';
import { CAUGHT_UP_MESSAGE } from '../grpc/read-messages.js';
import type { StreamStore } from '../streams/stream-store.js';
import { CatchUpSubscription } from './catch-up-subscription.js';
import type { EventSource } from './event-source.js';

it('a subscription passes over no event that becomes durable right after its history ended', async () => {
  const listeners: (() => void)[] = [];
  const store = {
    visibleEvents: 0,
    onAppended: (listener: () => void) => {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const append = () => {
    store.visibleEvents += 1;
    for (const listener of listeners) listener();
  };
  const source: EventSource = {
    history: () => {
      queueMicrotask(append);
      return [];
    },
    isThere: () => true,
    live: (number) => [{ kind: 'event', number }],
    messageOf: (step) => Buffer.from(step.kind === 'event' ? `event ${step.number}` : ''),
    fallBehind: () => [],
  };
  const written: unknown[] = [];
  const call = {
    write: (message: unknown) => written.push(message) > 0,
    end: () => undefined,
    emit: () => true,
    on: () => undefined,
  };
  const stream = new OpenStream('read', call, () => undefined);
  const slowReader = { kind: 'catches-up' } as const;
  const running = new CatchUpSubscription(
    store as unknown as StreamStore,
    stream,
    source,
    slowReader,
  ).run();
  await nextTurn();
  append();
  expect(written.slice(1).map(String)).toEqual([String(CAUGHT_UP_MESSAGE), 'event 0', 'event 1']);
  stream.end();
  await running;
});
