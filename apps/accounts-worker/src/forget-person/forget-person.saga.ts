import { Injectable } from '@nestjs/common';
import { Command, Saga } from '@nestjs/cqrs';
import { RecordedFact, whenever } from '../durable-sagas/recorded-fact.js';

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
  readonly forgetPerson = whenever(PersonForgottenEvent, ForgetPersonCommand);
}
