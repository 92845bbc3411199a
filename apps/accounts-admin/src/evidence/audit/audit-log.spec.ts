import { beforeEach, describe, expect, it } from '@jest/globals';
import { ChainWalk, EventStoreUnavailable } from '@app/event-store';
import type { EventStore, ExpectedRevision, NewEvent } from '@app/event-store';
import type { Caller } from '../../keys/caller.js';
import { AuditLog } from './audit-log.js';

interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly operations: readonly string[];
  readonly events: readonly NewEvent[];
}

const caller: Caller = {
  keyId: 'k1',
  scopes: new Set(),
  expiresAt: undefined,
  requestId: '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
};

describe('the audit log', () => {
  let appends: Append[];
  let isDown: boolean;
  let now: number;
  let audit: AuditLog;

  beforeEach(() => {
    appends = [];
    isDown = false;
    now = Date.UTC(2026, 10, 22, 23, 59, 59);
    const lengths = new Map<string, bigint>();
    const store: Pick<EventStore, 'append'> = {
      append: async (stream, expected, events: readonly NewEvent[]) => {
        await Promise.resolve();
        if (isDown) throw new EventStoreUnavailable('it is down');
        const length = lengths.get(stream) ?? 0n;
        expect(expected).toBe(length === 0n ? 'no-stream' : length - 1n);
        lengths.set(stream, length + BigInt(events.length));
        const operations = events.map(({ data }) => (data as { operation: string }).operation);
        appends.push({ stream, expected, operations, events });
        return { revision: length + BigInt(events.length) - 1n, position: 0n };
      },
    };
    audit = new AuditLog(store as EventStore, () => now);
  });

  const record = (operation: string) =>
    audit.record(caller, { operation, outcome: 'answered', accountIds: [] });

  it('writes what comes together while it writes at once, in order', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map(record));
    expect(appends.map(({ operations }) => operations)).toEqual([['a'], ['b', 'c', 'd']]);
    await record('e');
    expect(new Set(appends.map(({ stream }) => stream)).size).toBe(1);
  });

  it('keeps what the caller calls the request beside our own id, never in its place', async () => {
    const callerRequestId = '00000000-0000-4000-8000-000000000001';
    await audit.record(
      { ...caller, callerRequestId },
      { operation: 'a', outcome: 'answered', accountIds: [] },
    );
    expect(appends[0]?.events).toMatchObject([
      {
        data: { callerRequestId },
        metadata: { $correlationId: caller.requestId, $causationId: caller.requestId },
      },
    ]);
  });

  it('links each record to the one before, in every stream', async () => {
    await Promise.all(['a', 'b', 'c'].map(record));
    now += 1_000;
    await record('tomorrow');
    for (const stream of new Set(appends.map((one) => one.stream))) {
      const walk = new ChainWalk(stream);
      const events = appends.flatMap((one) => (one.stream === stream ? one.events : []));
      for (const [revision, event] of events.entries()) {
        const place = { streamName: stream, revision: BigInt(revision), position: 0n };
        walk.add({ ...event, ...place, recordedAt: new Date(now) });
      }
      expect(walk.verdict).toMatchObject({ events: events.length, broken: undefined });
    }
    expect(appends).toHaveLength(3);
  });

  it('begins a stream of its own each day', async () => {
    const today = record('today');
    now += 1_000;
    await Promise.all([today, record('tomorrow')]);
    expect(appends.map(({ stream }) => stream.slice(0, 17))).toEqual([
      'audit-2026-11-22-',
      'audit-2026-11-23-',
    ]);
  });

  it('refuses what could not be written, and goes on in another stream', async () => {
    await record('before');
    isDown = true;
    const refused = await Promise.allSettled([record('lost'), record('lost too')]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    await record('after');
    expect(appends.map(({ operations }) => operations)).toEqual([['before'], ['after']]);
    expect(new Set(appends.map(({ stream }) => stream)).size).toBe(2);
  });
});
