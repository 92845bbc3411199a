import { Injectable } from '@nestjs/common';
import { Command, Saga } from '@nestjs/cqrs';
import { RecordedFact, whenever } from '../durable-sagas/recorded-fact.js';

export class ActivationCodeIssuedEvent extends RecordedFact<'ActivationCodeIssued'> {}

/** Brings one issued code to its owner, unless that is no longer wanted. Safe to repeat. */
export class SendActivationCodeCommand extends Command<void> {
  constructor(readonly issued: ActivationCodeIssuedEvent) {
    super();
  }
}

/** Whenever a code is issued, send it. */
@Injectable()
export class SendActivationCodeSaga {
  @Saga()
  readonly sendActivationCode = whenever(ActivationCodeIssuedEvent, SendActivationCodeCommand);
}
