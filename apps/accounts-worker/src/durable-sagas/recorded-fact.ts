import type { AccountEvent, AccountEventType } from '@app/accounts';
import type { IEvent } from '@nestjs/cqrs';

type DataOf<Type extends AccountEventType> = Extract<AccountEvent, { readonly type: Type }>['data'];

/** A recorded event as a class instance, which is what sagas select by: each kind extends it. */
export abstract class RecordedFact<Type extends AccountEventType> implements IEvent {
  constructor(
    readonly accountId: string,
    readonly data: DataOf<Type>,
    readonly eventId: string,
    readonly correlationId: string,
  ) {}
}

export type FactClass<Type extends AccountEventType> = new (
  accountId: string,
  data: DataOf<Type>,
  eventId: string,
  correlationId: string,
) => IEvent;
