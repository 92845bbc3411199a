import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import type { IEvent } from '@nestjs/cqrs';

/** The recorded fact as a class instance, which is what sagas select by. */
export class OwnerNoticeIssued implements IEvent {
  constructor(
    readonly accountId: string,
    readonly noticeNumber: number,
    /** Id of the recorded event. */
    readonly eventId: string,
    readonly correlationId: string,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): OwnerNoticeIssued | undefined {
    if (event.type !== 'OwnerNoticeIssued') return undefined;
    return new OwnerNoticeIssued(
      accountIdOfStream(recorded.streamName),
      event.data.noticeNumber,
      recorded.id,
      recorded.metadata.$correlationId,
    );
  }
}
