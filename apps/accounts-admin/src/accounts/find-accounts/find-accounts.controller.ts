import { invalidRequest } from '@app/http-service';
import type { ListedAccount } from '@app/views';
import { Query } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { AccountOfPath } from '../../request-values.js';
import { FindAccountsQuery, accountsQuery } from './find-accounts.query.js';

const accountAnswer = z
  .object({
    accountId: z.uuid(),
    email: z.string().nullable().meta({ description: 'Null once the person was forgotten.' }),
    status: accountsQuery.shape.status.unwrap(),
    registeredAt: z.iso.datetime(),
    activatedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Account' });

const pageAnswer = z.object({
  accounts: z.array(accountAnswer),
  nextCursor: z.string().nullable(),
});

@AdminController('accounts')
export class FindAccountsController {
  constructor(private readonly query: FindAccountsQuery) {}

  @AdminCall('GET accounts', 'accounts:read', {
    operationId: 'findAccounts',
    summary: 'Accounts, page by page',
    description: 'Stays right while accounts are registered: none is missed, none comes twice.',
    answer: jsonAnswer('One page', pageAnswer),
    problems: ['invalidRequest'],
  })
  async find(
    @Query({ schema: accountsQuery }) query: z.infer<typeof accountsQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    const { registeredFrom, registeredTo } = query;
    if (registeredFrom && registeredTo && Date.parse(registeredFrom) > Date.parse(registeredTo)) {
      throw invalidRequest([{ field: 'registeredTo', message: 'is before registeredFrom' }]);
    }
    const { rows, nextCursor } = await this.query.find(query);
    return { accounts: rows.map(toAnswer), nextCursor };
  }

  @AdminCall('GET accounts/:id', 'accounts:read', {
    operationId: 'findAccount',
    summary: 'One account, by its id or e-mail address',
    description: 'As the read model has it, a moment behind the history.',
    answer: jsonAnswer('The account', accountAnswer),
    problems: ['invalidRequest', 'accountNotFound'],
  })
  async findOne(@AccountOfPath() accountId: string): Promise<z.infer<typeof accountAnswer>> {
    return toAnswer(await this.query.findOne(accountId));
  }
}

function toAnswer(account: ListedAccount): z.infer<typeof accountAnswer> {
  return answerOf(accountAnswer, { ...account, email: account.address });
}
