import { Command } from '@nestjs/cqrs';

/** Brings one notice to the owner of an active account, unless that is no longer wanted. Safe to repeat. */
export class NotifyOwner extends Command<void> {
  constructor(
    readonly accountId: string,
    readonly noticeNumber: number,
    /** Id of the event that caused the command. */
    readonly causationId: string,
    readonly correlationId: string,
  ) {
    super();
  }
}
