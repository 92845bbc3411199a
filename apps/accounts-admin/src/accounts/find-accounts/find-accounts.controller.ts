import { invalidRequest } from '@app/http-service';
import type { ListedAccount } from '@app/views';
import { Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { instantParameter, integerParameter } from '../../request-values.js';
import { FindAccountsQuery } from './find-accounts.query.js';

const statuses = ['pending', 'active', 'lapsed', 'erased'] as const;

const accountsQuery = z.strictObject({
  status: z.enum(statuses, 'must be pending, active, lapsed or erased').optional(),
  email: z
    .string()
    .min(1, 'must not be empty')
    .max(255)
    .optional()
    .meta({ description: 'A whole address, or the beginning of one followed by *, as in ada*.' }),
  registeredFrom: instantParameter('Registered at this time or later.').optional(),
  registeredTo: instantParameter('Registered before this time.').optional(),
  sort: z
    .enum(['registeredAt', '-registeredAt'], 'must be registeredAt or -registeredAt')
    .default('-registeredAt')
    .meta({ description: 'Oldest first, or newest first.' }),
  limit: integerParameter(1, 200, 'Most accounts on a page.').default(50),
  cursor: z.string().optional().meta({ description: 'nextCursor of the page before.' }),
});

const accountAnswer = z
  .object({
    accountId: z.uuid(),
    email: z.string().nullable().meta({ description: 'Null once the person was forgotten.' }),
    status: z.enum(statuses),
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
    const { accounts, nextCursor } = await this.query.find(query);
    return { accounts: accounts.map(toAnswer), nextCursor: nextCursor ?? null };
  }

  @AdminCall('GET accounts/:id', 'accounts:read', {
    operationId: 'findAccount',
    summary: 'One account, by its id or e-mail address',
    description: 'As the read model has it, a moment behind the history.',
    answer: jsonAnswer('The account', accountAnswer),
    problems: ['invalidRequest', 'accountNotFound'],
  })
  async findOne(@Param('id') id: string): Promise<z.infer<typeof accountAnswer>> {
    return toAnswer(await this.query.findOne(id));
  }
}

function toAnswer(account: ListedAccount): z.infer<typeof accountAnswer> {
  return {
    accountId: account.accountId,
    email: account.address ?? null,
    status: account.status,
    registeredAt: account.registeredAt.toISOString(),
    activatedAt: account.activatedAt?.toISOString() ?? null,
  };
}
