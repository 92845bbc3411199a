import { AccountKeys } from '@app/personal-data';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ForgetPersonCommand } from './forget-person.saga.js';

/** The process that records an erasure destroys the keys at once; this handler completes it after a crash. */
@CommandHandler(ForgetPersonCommand)
export class ForgetPersonHandler implements ICommandHandler<ForgetPersonCommand> {
  constructor(private readonly keys: AccountKeys) {}

  /** @throws DatabaseUnavailable: it is tried again */
  execute({ person }: ForgetPersonCommand): Promise<void> {
    return this.keys.destroy(person.accountId, person.data.registrationNumber);
  }
}
