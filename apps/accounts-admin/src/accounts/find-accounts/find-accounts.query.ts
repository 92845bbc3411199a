import { AccountIds } from '@app/account-secrets';
import { Problem } from '@app/http-service';
import { findListedAccount, pageOfAccounts } from '@app/views';
import type { ListedAccount } from '@app/views';
import type { Queryable } from '@app/postgres';
import { Inject, Injectable } from '@nestjs/common';
import * as z from 'zod';
import { adminProblems } from '../../admin-problems.js';
import { READ_MODEL } from '../../admin.tokens.js';
import { pageOf, pageParameters, placeOf, timeOfPlace } from '../../page-cursor.js';
import { accountIdOfAddress, instantParameter } from '../../request-values.js';

export const accountsQuery = z.strictObject({
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

/** Accounts as the read model has them. */
@Injectable()
export class FindAccountsQuery {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    private readonly accountIds: AccountIds,
  ) {}

  /** @throws Problem invalid-request */
  async find({ cursor, limit, ...filters }: z.infer<typeof accountsQuery>) {
    const { status, email, registeredFrom, registeredTo, sort } = filters;
    const isPrefix = email?.endsWith('*') === true;
    const found = await pageOfAccounts(this.readModel, {
      status,
      accountId:
        email === undefined || isPrefix
          ? undefined
          : accountIdOfAddress(email, this.accountIds, 'email'),
      addressPrefix: isPrefix ? email.slice(0, -1) : undefined,
      registeredFrom: registeredFrom === undefined ? undefined : new Date(registeredFrom),
      registeredTo: registeredTo === undefined ? undefined : new Date(registeredTo),
      order: sort === 'registeredAt' ? 'asc' : 'desc',
      limit: limit + 1,
      after: placeOf(cursor, filters, accountPlace),
    });
    return pageOf(found, limit, filters, (last) => [
      last.registeredAt.toISOString(),
      last.accountId,
    ]);
  }

  /** @throws Problem account-not-found */
  async findOne(accountId: string): Promise<ListedAccount> {
    const found = await findListedAccount(this.readModel, accountId);
    if (found === undefined) {
      throw new Problem(adminProblems.accountNotFound, 'No account has this id or address.');
    }
    return found;
  }
}
