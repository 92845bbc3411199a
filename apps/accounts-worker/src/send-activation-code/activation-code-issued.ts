import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import type { IEvent } from '@nestjs/cqrs';

/** The recorded fact as a class instance, which is what sagas select by. */
export class ActivationCodeIssued implements IEvent {
  constructor(
    readonly accountId: string,
    readonly issueNumber: number,
    /** Id of the recorded event. */
    readonly eventId: string,
    readonly correlationId: string,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): ActivationCodeIssued | undefined {
    if (event.type !== 'ActivationCodeIssued') return undefined;
    return new ActivationCodeIssued(
      accountIdOfStream(recorded.streamName),
      event.data.issueNumber,
      recorded.id,
      recorded.metadata.$correlationId,
    );
  }
}
