import { AccountKeys } from '@app/personal-data';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ForgetPersonCommand } from './forget-person.saga.js';

/** Whoever recorded the erasure destroys the keys at once; this is what completes it after a crash. */
@CommandHandler(ForgetPersonCommand)
export class ForgetPersonHandler implements ICommandHandler<ForgetPersonCommand> {
  constructor(private readonly keys: AccountKeys) {}

  /** @throws DatabaseUnavailable: it is tried again */
  execute({ person }: ForgetPersonCommand): Promise<void> {
    return this.keys.destroy(person.accountId, person.data.registrationNumber);
  }
}
