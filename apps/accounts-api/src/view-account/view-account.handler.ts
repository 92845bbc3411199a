import { findAccount } from '@app/read-model';
import type { AccountView, Queryable } from '@app/read-model';
import { Inject } from '@nestjs/common';
import { QueryHandler } from '@nestjs/cqrs';
import type { IQueryHandler } from '@nestjs/cqrs';
import { READ_MODEL } from '../accounts.js';
import { ViewAccount } from './view-account.query.js';

@QueryHandler(ViewAccount)
export class ViewAccountHandler implements IQueryHandler<ViewAccount> {
  constructor(@Inject(READ_MODEL) private readonly readModel: Queryable) {}

  async execute({ accountId }: ViewAccount): Promise<AccountView> {
    const account = await findAccount(this.readModel, accountId);
    if (account === undefined) {
      throw new Error('an account whose password was just proven is not in the read model');
    }
    return account;
  }
}
