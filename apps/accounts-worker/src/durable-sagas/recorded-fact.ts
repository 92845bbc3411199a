import type { AccountEvent, AccountEventType } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import type { Type } from '@nestjs/common';
import { ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent, ISaga } from '@nestjs/cqrs';
import { map } from 'rxjs';

type DataOf<Type extends AccountEventType> = Extract<AccountEvent, { readonly type: Type }>['data'];

/**
 * Asked when a decision is made: every event of the account, where the fact was delivered only just now and no command
 * can have followed from it. Undefined when the account is to be read.
 */
export type DeliveredHistory = () => readonly RecordedEvent[] | undefined;

const toBeRead: DeliveredHistory = () => undefined;

/** A recorded event as a class instance, which is what sagas select by: each kind extends it. */
export abstract class RecordedFact<Type extends AccountEventType> implements IEvent {
  constructor(
    readonly accountId: string,
    readonly data: DataOf<Type>,
    readonly eventId: string,
    readonly correlationId: string,
    readonly delivered = toBeRead,
  ) {}
}

export type FactClass<Type extends AccountEventType> = new (
  ...parameters: ConstructorParameters<typeof RecordedFact<Type>>
) => IEvent;

/** The saga that answers each fact of a kind with one command. */
export function whenever<Fact extends IEvent>(
  Fact: Type<Fact>,
  Command: new (fact: Fact) => ICommand,
): ISaga {
  return (events) =>
    events.pipe(
      ofType(Fact),
      map((fact) => new Command(fact)),
    );
}
