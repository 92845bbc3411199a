import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';

/** The recorded fact as a class instance, which is what sagas select by. */
export class OwnerNoticeIssuedEvent implements IEvent {
  constructor(
    readonly accountId: string,
    readonly noticeNumber: number,
    /** Id of the recorded event. */
    readonly eventId: string,
    readonly correlationId: string,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): OwnerNoticeIssuedEvent | undefined {
    if (event.type !== 'OwnerNoticeIssued') return undefined;
    return new OwnerNoticeIssuedEvent(
      accountIdOfStream(recorded.streamName),
      event.data.noticeNumber,
      recorded.id,
      recorded.metadata.$correlationId,
    );
  }
}

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
