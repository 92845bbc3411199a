import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RecordedEvent } from '@app/event-store';
import { DeliveredStreams } from './delivered-streams.js';

describe('Streams that were delivered', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const eventOf = (streamName: string, revision: number) =>
    ({ streamName, revision: BigInt(revision) }) as RecordedEvent;

  const revisionsOf = (streams: DeliveredStreams, streamName: string) =>
    streams.find(streamName)?.map(({ revision }) => Number(revision));

  it('are known as long as every event from the first on was delivered', () => {
    const streams = new DeliveredStreams(1_000);
    for (const event of [eventOf('whole', 0), eventOf('later', 1), eventOf('gap', 0)])
      streams.note(event);
    for (const event of [eventOf('gap', 2), eventOf('whole', 1)]) streams.note(event);
    expect(revisionsOf(streams, 'whole')).toEqual([0, 1]);
    expect(streams.find('later')).toBeUndefined();
    expect(streams.find('gap')).toBeUndefined();
  });

  it('are kept for the time that they are of use after their newest event', () => {
    const streams = new DeliveredStreams(1_000);
    streams.note(eventOf('changed', 0));
    streams.note(eventOf('old', 0));
    jest.advanceTimersByTime(600);
    streams.note(eventOf('changed', 1));
    jest.advanceTimersByTime(600);
    streams.note(eventOf('new', 0));
    expect(streams.find('old')).toBeUndefined();
    expect(revisionsOf(streams, 'changed')).toEqual([0, 1]);
    expect(revisionsOf(streams, 'new')).toEqual([0]);
  });

  it('are bounded in number and in length', () => {
    const streams = new DeliveredStreams(1_000);
    for (let number = 0; number <= 1_000; number++) streams.note(eventOf(`stream-${number}`, 0));
    expect(streams.find('stream-0')).toBeUndefined();
    expect(revisionsOf(streams, 'stream-1')).toEqual([0]);
    for (let revision = 0; revision < 16; revision++) streams.note(eventOf('long', revision));
    expect(revisionsOf(streams, 'long')).toHaveLength(16);
    streams.note(eventOf('long', 16));
    expect(streams.find('long')).toBeUndefined();
  });
});
