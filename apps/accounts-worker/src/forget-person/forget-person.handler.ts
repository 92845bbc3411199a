import { AccountKeys } from '@app/personal-data';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ForgetPerson } from './forget-person.command.js';

/** Whoever recorded the erasure destroys the keys at once; this is what completes it after a crash. */
@CommandHandler(ForgetPerson)
export class ForgetPersonHandler implements ICommandHandler<ForgetPerson> {
  constructor(private readonly keys: AccountKeys) {}

  /** @throws ReadModelUnavailable: it is tried again */
  execute({ accountId, registrationNumber }: ForgetPerson): Promise<void> {
    return this.keys.destroy(accountId, registrationNumber);
  }
}
