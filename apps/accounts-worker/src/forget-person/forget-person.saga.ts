import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { RecordedFact } from '../durable-sagas/recorded-fact.js';

export class PersonForgottenEvent extends RecordedFact<'AccountErased' | 'RegistrationLapsed'> {}

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
