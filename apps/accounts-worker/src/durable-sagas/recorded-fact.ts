import type { AccountEvent, AccountEventType } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import type { IEvent } from '@nestjs/cqrs';

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
