import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { RecordedFact } from '../durable-sagas/recorded-fact.js';

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
  notifyOwner(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(OwnerNoticeIssuedEvent),
      map((issued) => new NotifyOwnerCommand(issued)),
    );
  }
}
