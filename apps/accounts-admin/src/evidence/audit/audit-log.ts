import { randomUUID } from 'node:crypto';
import type { EventStore, ExpectedRevision, NewEvent } from '@app/event-store';
import type { Clock } from '@app/process';
import { actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';

/** One read of personal data: who read what of which accounts. Holds no personal data itself. */
export interface PersonalDataRead {
  /** What was done, as in the API's description: `list-accounts`, `replay-account`, … */
  readonly operation: string;
  readonly accountIds: readonly string[];
  /** Names of the filters that were used; their values may be addresses. */
  readonly filters?: readonly string[];
}

interface Waiting {
  readonly event: NewEvent;
  readonly day: string;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Records reads of personal data in the event store: type `PersonalDataRead`, in streams
 * `audit-<day>-<writer>`. Each process writes streams of its own, so that it always knows the revision to
 * append at and never waits for another; who wants a day reads all streams that begin with it.
 */
export class AuditLog {
  private stream = '';
  private revision: ExpectedRevision = 'no-stream';
  private waiting: Waiting[] = [];
  private isWriting = false;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when the read is on record: only then may it be answered.
   *
   * @throws EventStoreUnavailable
   */
  record(caller: Caller, read: PersonalDataRead): Promise<void> {
    const at = new Date(this.clock()).toISOString();
    const { keyId, requestId, callerRequestId } = caller;
    const event: NewEvent = {
      id: randomUUID(),
      type: 'PersonalDataRead',
      data: { keyId, at, ...read, ...(callerRequestId && { callerRequestId }) },
      metadata: {
        schemaVersion: 1,
        $correlationId: requestId,
        $causationId: requestId,
        actor: actorOf(caller),
      },
    };
    return new Promise((resolve, reject) => {
      this.waiting.push({ event, day: at.slice(0, 10), resolve, reject });
      if (!this.isWriting) void this.write();
    });
  }

  /** Whatever has come together while one append was under way is written by the next one. */
  private async write(): Promise<void> {
    this.isWriting = true;
    for (let [first] = this.waiting; first; [first] = this.waiting) {
      const { day } = first;
      const ofLaterDay = this.waiting.findIndex((read) => read.day !== day);
      const batch = this.waiting.splice(0, ofLaterDay === -1 ? this.waiting.length : ofLaterDay);
      try {
        await this.append(day, batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Whether it was stored is not known, and with it the revision: go on in another stream.
        this.stream = '';
        for (const { reject } of batch) reject(error);
      }
    }
    this.isWriting = false;
  }

  private async append(day: string, batch: readonly Waiting[]): Promise<void> {
    const [first, ...rest] = batch.map(({ event }) => event);
    if (first === undefined) return;
    if (!this.stream.startsWith(`audit-${day}-`)) {
      this.stream = `audit-${day}-${randomUUID()}`;
      this.revision = 'no-stream';
    }
    const { revision } = await this.store.append(this.stream, this.revision, [first, ...rest]);
    this.revision = revision;
  }
}
