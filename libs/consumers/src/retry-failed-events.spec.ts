import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { EventStoreUnavailable } from '@app/event-store';
import type { Queryable, Statement, StatementResult } from '@app/postgres';
import { eventually } from '../../../test/support/eventually.js';
import type { FailedEvent, FailingEvents } from './failed-events.js';
import { FailedEventRetries } from './retry-failed-events.js';
import type { FailedEventRetriesOptions } from './retry-failed-events.js';

/** A record in which these events are due until they are taken out. */
class DueEvents implements Queryable {
  readonly statements: string[] = [];
  readonly positions: bigint[];

  constructor(count: number) {
    this.positions = Array.from({ length: count }, (_, index) => BigInt(index));
  }

  async query<Row>({ name = '', values = [] }: Statement): Promise<StatementResult<Row>> {
    this.statements.push(name);
    // No earlier than a real answer could come.
    await pause(1);
    if (name !== 'find-waiting-events') return { rows: [], rowCount: 0 };
    const rows = this.positions.slice(0, Number(values[1])).map((position) => ({
      position,
      type: 'Strange',
      error: 'Error: no',
      waiting: BigInt(this.positions.length),
      is_due: true,
    }));
    return { rows: rows as Row[], rowCount: rows.length };
  }

  settle({ position }: FailedEvent): void {
    this.positions.splice(this.positions.indexOf(position), 1);
  }

  get looks(): number {
    return this.statements.filter((name) => name === 'find-waiting-events').length;
  }
}

describe('Trying failed events again', () => {
  async function during(
    milliseconds: number | (() => void),
    record: DueEvents,
    options: Partial<FailedEventRetriesOptions>,
  ) {
    const stopping = new AbortController();
    const faults: unknown[] = [];
    const waiting: (FailingEvents | undefined)[] = [];
    const retries = new FailedEventRetries({
      database: record,
      consumer: 'spec',
      places: 4,
      retry: async () => undefined,
      onWaiting: (failing) => waiting.push(failing),
      onFault: (error) => faults.push(error),
      signal: stopping.signal,
      ...options,
    });
    const ended = retries.run();
    if (typeof milliseconds === 'number') await pause(milliseconds);
    else await eventually(milliseconds);
    stopping.abort();
    await ended;
    return { faults, waiting };
  }

  it('takes a place that is free at once, and asks no more when nothing waits', async () => {
    // One look for each four, with a pause after each, would take 12 s.
    const record = new DueEvents(200);
    let atOnce = 0;
    let mostAtOnce = 0;
    const { faults, waiting } = await during(() => expect(record.positions).toEqual([]), record, {
      retry: async (failed) => {
        mostAtOnce = Math.max(mostAtOnce, ++atOnce);
        await pause(1);
        record.settle(failed);
        atOnce -= 1;
        return undefined;
      },
    });
    expect(mostAtOnce).toBeLessThanOrEqual(4);
    expect(faults).toEqual([]);
    expect(waiting[0]).toEqual({ events: 200, type: 'Strange', error: 'Error: no' });
    const idle = new DueEvents(0);
    await during(700, idle, {});
    expect(idle.looks).toBe(1);
  });

  it('does not turn in circles while none can be tried', async () => {
    const postponing = new DueEvents(3);
    let tries = 0;
    await during(600, postponing, {
      retry: async () => {
        tries += 1;
        return 'later';
      },
    });
    expect(tries).toBeLessThanOrEqual(9);
    expect(postponing.looks).toBeLessThanOrEqual(4);
    const held = new DueEvents(3);
    await during(300, held, {
      isHeld: () => true,
      retry: async () => {
        throw new Error('it was tried');
      },
    });
    expect(held.looks).toBe(0);
  });

  it('backs off when a try cannot be put on record, and records a stream that cannot be read', async () => {
    const failing = new DueEvents(9);
    const { faults } = await during(600, failing, {
      retry: async () => {
        throw new Error('the database is away');
      },
    });
    expect(faults.length).toBeGreaterThan(0);
    expect(failing.looks).toBeLessThan(6);
    const unread = new DueEvents(1);
    await during(100, unread, {
      retry: async () => {
        throw new EventStoreUnavailable('it is slow');
      },
    });
    expect(unread.statements).toContain('record-failed-event');
  });
});
