import { Injectable } from '@nestjs/common';
import { Command, Saga } from '@nestjs/cqrs';
import { RecordedFact, whenever } from '../durable-sagas/recorded-fact.js';

export class OwnerNoticeIssuedEvent extends RecordedFact<'OwnerNoticeIssued'> {}

/** Brings one notice to the owner of an active account, unless that is no longer wanted. Safe to repeat. */
export class NotifyOwnerCommand extends Command<void> {
  constructor(readonly issued: OwnerNoticeIssuedEvent) {
    super();
  }
}

/** Whenever a notice to the owner is issued, send it. */
@Injectable()
export class NotifyOwnerSaga {
  @Saga()
  readonly notifyOwner = whenever(OwnerNoticeIssuedEvent, NotifyOwnerCommand);
}
