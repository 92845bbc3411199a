import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import type { IEvent } from '@nestjs/cqrs';

/** An erasure or a lapse as a class instance, which is what sagas select by. */
export class PersonForgotten implements IEvent {
  constructor(
    readonly accountId: string,
    readonly registrationNumber: number,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): PersonForgotten | undefined {
    if (event.type !== 'AccountErased' && event.type !== 'RegistrationLapsed') return undefined;
    return new PersonForgotten(
      accountIdOfStream(recorded.streamName),
      event.data.registrationNumber,
    );
  }
}
