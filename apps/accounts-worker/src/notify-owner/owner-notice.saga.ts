import { Injectable } from '@nestjs/common';
import { Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { NotifyOwner } from './notify-owner.command.js';
import { OwnerNoticeIssued } from './owner-notice-issued.js';

/** Whenever a notice to the owner is issued, send it. */
@Injectable()
export class OwnerNoticeSaga {
  @Saga()
  ownerNotice(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(OwnerNoticeIssued),
      map(
        ({ accountId, noticeNumber, eventId, correlationId }) =>
          new NotifyOwner(accountId, noticeNumber, eventId, correlationId),
      ),
    );
  }
}
