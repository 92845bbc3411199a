import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';

/** An erasure or a lapse as a class instance, which is what sagas select by. */
export class PersonForgottenEvent implements IEvent {
  constructor(
    readonly accountId: string,
    /** The newest registration of the person: a later one of the same address is another person's. */
    readonly registrationNumber: number,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): PersonForgottenEvent | undefined {
    if (event.type !== 'AccountErased' && event.type !== 'RegistrationLapsed') return undefined;
    return new PersonForgottenEvent(
      accountIdOfStream(recorded.streamName),
      event.data.registrationNumber,
    );
  }
}

/** Destroys the keys to what is known of a person. Safe to repeat. */
export class ForgetPersonCommand extends Command<void> {
  constructor(readonly person: PersonForgottenEvent) {
    super();
  }
}

/** Whenever an account is erased or a registration lapses, destroy the keys of the person. */
@Injectable()
export class ForgetPersonSaga {
  @Saga()
  forgetPerson(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(PersonForgottenEvent),
      map((person) => new ForgetPersonCommand(person)),
    );
  }
}
