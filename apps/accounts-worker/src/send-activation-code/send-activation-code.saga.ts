import { accountIdOfStream } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import { Injectable } from '@nestjs/common';
import { Command, Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';

/** The recorded fact as a class instance, which is what sagas select by. */
export class ActivationCodeIssuedEvent implements IEvent {
  constructor(
    readonly accountId: string,
    readonly issueNumber: number,
    /** Id of the recorded event. */
    readonly eventId: string,
    readonly correlationId: string,
  ) {}

  /** Undefined for every other fact. */
  static from(recorded: RecordedEvent, event: AccountEvent): ActivationCodeIssuedEvent | undefined {
    if (event.type !== 'ActivationCodeIssued') return undefined;
    return new ActivationCodeIssuedEvent(
      accountIdOfStream(recorded.streamName),
      event.data.issueNumber,
      recorded.id,
      recorded.metadata.$correlationId,
    );
  }
}

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
