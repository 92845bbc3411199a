import { Injectable } from '@nestjs/common';
import { Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { ActivationCodeIssued } from './activation-code-issued.js';
import { SendActivationCode } from './send-activation-code.command.js';

/** Whenever a code is issued, send it. */
@Injectable()
export class ActivationMailSaga {
  @Saga()
  activationMail(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(ActivationCodeIssued),
      map(
        ({ accountId, issueNumber, eventId, correlationId }) =>
          new SendActivationCode(accountId, issueNumber, eventId, correlationId),
      ),
    );
  }
}
