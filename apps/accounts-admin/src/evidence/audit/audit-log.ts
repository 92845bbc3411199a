import { randomUUID } from 'node:crypto';
import { linked } from '@app/event-store';
import type { EventStore, ExpectedRevision, LogPosition, NewEvent } from '@app/event-store';
import type { Clock } from '@app/process';
import { auditStreamPrefix } from '@app/views';
import type { AuditEvent, AuditedCall } from '@app/views';
import { actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';

interface Waiting {
  readonly event: NewEvent;
  readonly day: string;
  resolve(): void;
  reject(error: unknown): void;
}

/** Where a stream ends, for the next event to follow. */
interface StreamEnd {
  readonly revision: ExpectedRevision;
  readonly head: string;
}

const NEW_STREAM: StreamEnd = { revision: 'no-stream', head: '' };

/**
 * Records in the event store what operators were shown: type `AdminCallAnswered`, in streams `audit-<day>-<writer>`, which
 * are chained like those of accounts. Each process writes streams of its own, so that it always knows the revision to
 * append at and never waits for another.
 */
export class AuditLog {
  private stream = '';
  private end: StreamEnd = NEW_STREAM;
  private waiting: Waiting[] = [];
  private isWriting = false;
  private reached: LogPosition | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** Where the newest record of this process stands; undefined before the first. */
  get position(): LogPosition | undefined {
    return this.reached;
  }

  /**
   * Resolves when the call is on record: only then may it be answered.
   *
   * @throws EventStoreUnavailable
   */
  record(
    caller: Pick<Caller, 'keyId' | 'requestId' | 'callerRequestId'>,
    call: Omit<AuditedCall, 'keyId' | 'at' | 'callerRequestId'>,
  ): Promise<void> {
    const at = new Date(this.clock()).toISOString();
    const { keyId, requestId, callerRequestId } = caller;
    const event: NewEvent = {
      id: randomUUID(),
      type: 'AdminCallAnswered' satisfies AuditEvent['type'],
      data: {
        keyId,
        at,
        ...call,
        ...(callerRequestId && { callerRequestId }),
      } satisfies AuditedCall,
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
      const ofLaterDay = this.waiting.findIndex((call) => call.day !== day);
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
    if (!this.stream.startsWith(`${auditStreamPrefix}${day}-`)) {
      this.stream = `${auditStreamPrefix}${day}-${randomUUID()}`;
      this.end = NEW_STREAM;
    }
    const events = batch.map(({ event }) => event);
    const [first, ...rest] = linked(this.stream, this.end, events);
    if (first === undefined) return;
    const appended = await this.store.append(this.stream, this.end.revision, [first, ...rest]);
    const { chain = '' } = (rest.at(-1) ?? first).metadata;
    this.end = { revision: appended.revision, head: chain };
    this.reached = appended.position;
  }
}
