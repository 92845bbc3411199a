import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { RecordedFact } from '../durable-sagas/recorded-fact.js';

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
  sendActivationCode(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(ActivationCodeIssuedEvent),
      map((issued) => new SendActivationCodeCommand(issued)),
    );
  }
}
