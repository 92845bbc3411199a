import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemProjections } from '../projections/system-projections.js';
import { StreamReader } from '../reading/stream-reader.js';
import type { ExpectedVersion } from './append-decision.js';
import { StreamStore } from './stream-store.js';
import type { AppendOutcome, ProposedEvent } from './stream-store.js';

const STREAM = Buffer.from('account-1');
const METASTREAM = Buffer.from('$$account-1');

describe('the stream store', () => {
  let folder: string;
  let store: StreamStore;
  let projections: SystemProjections;
  let reader: StreamReader;
  let now: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stream-store-'));
    now = 1_000_000;
    await open();
  });
  afterEach(async () => {
    projections.stop();
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
    projections = new SystemProjections(store);
    reader = new StreamReader(store, projections, () => now);
  }

  async function restart(): Promise<void> {
    projections.stop();
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

  function setMetadata(metadata: object): Promise<AppendOutcome> {
    return append([event(JSON.stringify(metadata), '$metadata')], 'any', METASTREAM);
  }

  function readable(stream = STREAM): string[] {
    const window = reader.windowOf(stream);
    if (window.kind !== 'readable') return [window.kind];
    const shown: string[] = [];
    for (let revision = window.first; revision <= window.last; revision += 1) {
      const record = window.recordAt(revision);
      if (record.recordedAt >= window.notBefore) shown.push(`${revision}:${record.data}`);
    }
    return shown;
  }

  it('keeps everything about an event over a restart', async () => {
    const appended = event('{"some":"data"}', 'AccountRegistered');
    const outcome = await append([appended], 'no_stream');
    await restart();
    const record = store.recordOf(0);
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
    const positions = [0, 1, 2, 3].map((number) => store.index.positionOf(number));
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
    expect(store.visibleEvents).toBe(0);
    expect(readable()).toEqual(['missing']);
    await durable;
    expect(store.visibleEvents).toBe(1);
    expect(readable()).toEqual(['0:data']);
  });

  it('answers a repeated append with the original event, also after a restart', async () => {
    const events = [event(), event()];
    const first = await append(events, 'no_stream');
    expect(await append(events, 'no_stream')).toEqual(first);
    await restart();
    expect(await append(events, 'no_stream')).toEqual(first);
    expect(store.index.eventCount).toBe(2);
  });

  it('answers a repetition of a pending append only when that is durable', async () => {
    const events = [event()];
    const order: string[] = [];
    await Promise.all([
      append(events, 'no_stream').then(() => order.push('original')),
      append(events, 'no_stream').then(() => order.push('repetition')),
    ]);
    expect(order).toEqual(['original', 'repetition']);
  });

  it('limits a stream by $maxCount, $tb and $maxAge', async () => {
    await append([event('a'), event('b')]);
    now += 10_000;
    await append([event('c'), event('d')]);
    await setMetadata({ $maxCount: 3 });
    expect(readable()).toEqual(['1:b', '2:c', '3:d']);
    await setMetadata({ $tb: 3 });
    expect(readable()).toEqual(['3:d']);
    now += 5_000;
    await setMetadata({ $maxAge: 6 });
    expect(readable()).toEqual(['2:c', '3:d']);
    await restart();
    expect(readable()).toEqual(['2:c', '3:d']);
    expect(readable(METASTREAM)).toEqual(['2:{"$maxAge":6}']);
  });

  it('lets a deleted stream come back with its numbering', async () => {
    await append([event('a'), event('b')]);
    await setMetadata({ $maxCount: 5 });
    await new Promise((resolve) => store.delete(STREAM, 'any', resolve));
    expect(readable()).toEqual(['missing']);
    await append([event('c')], 'no_stream');
    expect(readable()).toEqual(['2:c']);
    expect(readable(METASTREAM)).toEqual(['2:{"$tb":2}']);
    await restart();
    expect(readable()).toEqual(['2:c']);
  });

  it('refuses everything on a tombstoned stream, for ever', async () => {
    await append([event()]);
    await new Promise((resolve) => store.tombstone(STREAM, 0, resolve));
    await restart();
    expect(readable()).toEqual(['tombstoned']);
    expect(readable(METASTREAM)).toEqual(['tombstoned']);
    expect(await append([event()])).toEqual({ kind: 'stream-deleted' });
    expect(await setMetadata({})).toEqual({ kind: 'stream-deleted' });
  });

  it('calls back when events have become visible', async () => {
    projections.stop();
    let seen = 0;
    const stop = store.onProgress(() => (seen = store.visibleEvents));
    await Promise.all([append([event()]), append([event()])]);
    await append([event()]);
    expect(seen).toBe(3);
    stop();
    expect(store.listenerCount).toBe(0);
  });
});
