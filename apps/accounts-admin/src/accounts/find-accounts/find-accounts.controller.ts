import { AccountIds } from '@app/account-secrets';
import { Problem, invalidRequest } from '@app/http-service';
import { findListedAccount, pageOfAccounts } from '@app/views';
import type { ListedAccount } from '@app/views';
import type { Queryable } from '@app/postgres';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { adminProblems } from '../../admin-problems.js';
import { READ_MODEL } from '../../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { pageParameters, readPage, timeOfPlace } from '../../page-cursor.js';
import { AccountOfPath, accountIdOfAddress, instantParameter } from '../../request-values.js';

const accountsQuery = z.strictObject({
  status: z
    .enum(['pending', 'active', 'lapsed', 'erased'], 'must be pending, active, lapsed or erased')
    .optional(),
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
  ...pageParameters('accounts'),
});

const accountPlace = z
  .tuple([timeOfPlace, z.guid()])
  .transform(([registeredAt, accountId]) => ({ registeredAt, accountId }));

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

/** Accounts as the read model has them. */
@AdminController('accounts')
export class FindAccountsController {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    private readonly accountIds: AccountIds,
  ) {}

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
    const { status, email, registeredFrom, registeredTo, sort } = query;
    if (registeredFrom && registeredTo && Date.parse(registeredFrom) > Date.parse(registeredTo)) {
      throw invalidRequest([{ field: 'registeredTo', message: 'is before registeredFrom' }]);
    }
    const isPrefix = email?.endsWith('*') === true;
    const filters = {
      status,
      accountId:
        email === undefined || isPrefix
          ? undefined
          : accountIdOfAddress(email, this.accountIds, 'email'),
      addressPrefix: isPrefix ? email.slice(0, -1) : undefined,
      registeredFrom: registeredFrom === undefined ? undefined : new Date(registeredFrom),
      registeredTo: registeredTo === undefined ? undefined : new Date(registeredTo),
      order: sort === 'registeredAt' ? ('asc' as const) : ('desc' as const),
    };
    const { rows, nextCursor } = await readPage(
      query,
      accountPlace,
      (page) => pageOfAccounts(this.readModel, { ...filters, ...page }),
      (last) => [last.registeredAt.toISOString(), last.accountId],
    );
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
    const found = await findListedAccount(this.readModel, accountId);
    if (found === undefined) {
      throw new Problem(adminProblems.accountNotFound, 'No account has this id or address.');
    }
    return toAnswer(found);
  }
}

function toAnswer(account: ListedAccount): z.infer<typeof accountAnswer> {
  return answerOf(accountAnswer, { ...account, email: account.address });
}
