import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProposedEvent } from '../log/event-record.js';
import type { ExpectedVersion } from './append-decision.js';
import { StreamStore } from './stream-store.js';
import type { AppendOutcome } from './stream-store.js';

const STREAM = Buffer.from('account-1');

describe('the stream store', () => {
  let folder: string;
  let store: StreamStore;
  let now: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stream-store-'));
    now = 1_000_000;
    await open();
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  async function open(): Promise<void> {
    store = await StreamStore.open({
      folder,
      fsync: false,
      now: () => now,
      onRoom: () => undefined,
      onFailure: (error) => {
        throw error;
      },
    });
  }

  async function restart(): Promise<void> {
    await store.close();
    await open();
  }

  function event(data = 'data', type = 'Tested'): ProposedEvent {
    return {
      id: randomUUID(),
      type: Buffer.from(type),
      isJson: true,
      customMetadata: Buffer.from('metadata'),
      data: Buffer.from(data),
    };
  }

  function append(
    events: ProposedEvent[],
    expected: ExpectedVersion = 'any',
    stream = STREAM,
  ): Promise<AppendOutcome> {
    return new Promise((resolve) => store.append(stream, expected, events, resolve));
  }

  function readable(streamName = STREAM): string[] {
    const stream = store.readable(streamName);
    if (stream === undefined) return ['missing'];
    return Array.from(
      { length: stream.last + 1 },
      (_, revision) => `${revision}:${stream.recordAt(revision).data}`,
    );
  }

  it('keeps everything about an event over a restart', async () => {
    const appended = event('{"some":"data"}', 'AccountRegistered');
    const outcome = await append([appended], 'no_stream');
    await restart();
    const record = store.recordOf(1);
    expect(record.id).toBe(appended.id);
    expect(record.streamName).toEqual(STREAM);
    expect(record.type).toEqual(appended.type);
    expect(record.revision).toBe(0);
    expect(record.isJson).toBe(true);
    expect(record.customMetadata.toString()).toBe('metadata');
    expect(record.data.toString()).toBe('{"some":"data"}');
    expect(record.recordedAt).toBe(now);
    expect(outcome).toEqual({ kind: 'appended', revision: 0, position: record.position });
  });

  it('gives every event a position of its own, in order', async () => {
    await append([event(), event(), event()]);
    await append([event()]);
    const positions = [0, 1, 2, 3, 4].map((number) => store.index.positionOf(number));
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(positions[0]).toBeGreaterThan(0);
  });

  it('decides on appends against those that are not yet durable', async () => {
    const outcomes = await Promise.all([
      append([event()], 'no_stream'),
      append([event()], 'no_stream'),
      append([event()], 0),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'appended',
      'wrong-expected-version',
      'appended',
    ]);
  });

  it('shows an event only when it is durable', async () => {
    const durable = append([event()]);
    expect(store.visibleEvents).toBe(1);
    expect(readable()).toEqual(['missing']);
    await durable;
    expect(store.visibleEvents).toBe(2);
    expect(readable()).toEqual(['0:data']);
  });

  it('answers a repeated append with the original event, also after a restart', async () => {
    const events = [event(), event()];
    const first = await append(events, 'no_stream');
    expect(await append(events, 'no_stream')).toEqual(first);
    await restart();
    expect(await append(events, 'no_stream')).toEqual(first);
    expect(store.index.eventCount).toBe(3);
  });

  it('leaves a repetition of a pending append without an answer, and says so in the end', async () => {
    const events = [event()];
    const [original, repetition] = await Promise.all([
      append(events, 'no_stream'),
      append(events, 'no_stream'),
    ]);
    expect(original).toMatchObject({ kind: 'appended', revision: 0 });
    expect(repetition).toEqual({ kind: 'commit-timeout' });
    expect(await append(events, 'no_stream')).toEqual(original);
  });

  it('begins with one event, also when it was closed before anything was appended', async () => {
    await restart();
    expect(store.visibleEvents).toBe(1);
    expect(store.recordOf(0).streamName.toString()).toBe('$$$scavenges');
    expect(readable(Buffer.from('$$$scavenges'))).toHaveLength(1);
  });

  it('answers an empty append with a place of the log from which nothing is passed over', async () => {
    const outcome = await append([]);
    if (outcome.kind !== 'appended') throw new Error(outcome.kind);
    await append([event()]);
    expect(store.index.isPlace(outcome.position)).toBe(true);
    expect(store.index.firstEventAtOrAfter(outcome.position + 1)).toBe(1);
    expect(store.index.isPlace(outcome.position - 1)).toBe(false);
  });

  it('opens the file of a version that deleted streams, and shows every event of them again', async () => {
    await store.close();
    copyFileSync(join(import.meta.dirname, 'older-log.bin'), join(folder, 'events.log'));
    await open();
    expect(store.passedOver).toBe(6);
    const streams = ['kept', 'limited', 'deleted', 'back', 'tombstoned'];
    expect(streams.map((name) => readable(Buffer.from(name)))).toEqual([
      ['0:{"n":0}', '1:{"n":7}'],
      ['0:{"n":1}', '1:{"n":2}'],
      ['0:{"n":3}'],
      ['0:{"n":4}', '1:{"n":5}'],
      ['0:{"n":6}'],
    ]);
    expect(readable(Buffer.from('$$limited'))).toEqual(['missing']);
    expect(store.visibleEvents).toBe(8);
    expect(await append([event()], 0, Buffer.from('tombstoned'))).toMatchObject({ revision: 1 });
    await restart();
    expect(readable(Buffer.from('tombstoned'))).toEqual(['0:{"n":6}', '1:data']);
    expect(store.passedOver).toBe(6);
  });

  it('calls back when events have become visible', async () => {
    let seen = 0;
    const stop = store.onAppended(() => (seen = store.visibleEvents));
    await Promise.all([append([event()]), append([event()])]);
    await append([event()]);
    expect(seen).toBe(4);
    stop();
    expect(store.listenerCount).toBe(0);
  });
});
