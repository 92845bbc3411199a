import { Command } from '@nestjs/cqrs';

/** Brings one issued code to its owner, unless that is no longer wanted. Safe to repeat. */
export class SendActivationCode extends Command<void> {
  constructor(
    readonly accountId: string,
    readonly issueNumber: number,
    /** Id of the event that caused the command. */
    readonly causationId: string,
    readonly correlationId: string,
  ) {
    super();
  }
}
