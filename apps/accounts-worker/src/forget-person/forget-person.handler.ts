import { AccountKeys } from '@app/personal-data';
import type { Queryable } from '@app/postgres';
import { blankAccount } from '@app/views';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { DATABASE } from '../database.token.js';
import { ForgetPersonCommand } from './forget-person.saga.js';

/**
 * The process that records an erasure destroys the keys and empties the row at once; this handler completes it after a
 * crash. The projection does not, where it has set the account aside.
 */
@CommandHandler(ForgetPersonCommand)
export class ForgetPersonHandler implements ICommandHandler<ForgetPersonCommand> {
  constructor(
    private readonly keys: AccountKeys,
    @Inject(DATABASE) private readonly database: Queryable,
  ) {}

  /** @throws DatabaseUnavailable: it is tried again */
  async execute({ person }: ForgetPersonCommand): Promise<void> {
    const { accountId, data } = person;
    await this.keys.destroy(accountId, data.registrationNumber);
    await blankAccount(this.database, accountId, data.registrationNumber);
  }
}
