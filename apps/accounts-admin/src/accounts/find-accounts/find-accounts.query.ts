import { AccountIds } from '@app/account-secrets';
import { Problem } from '@app/http-service';
import { findListedAccount, pageOfAccounts } from '@app/views';
import type { ListedAccount } from '@app/views';
import type { Queryable } from '@app/postgres';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../../admin-problems.js';
import { READ_MODEL } from '../../admin.tokens.js';
import { cursorOf, invalidCursor, placeOf } from '../../page-cursor.js';
import { accountIdOfAddress, accountIdOfPath } from '../../request-values.js';

export interface FindAccounts {
  readonly status?: ListedAccount['status'] | undefined;
  /** A whole address, or the beginning of one followed by `*`. */
  readonly email?: string | undefined;
  readonly registeredFrom?: string | undefined;
  readonly registeredTo?: string | undefined;
  readonly sort: 'registeredAt' | '-registeredAt';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface AccountPage {
  readonly accounts: readonly ListedAccount[];
  readonly nextCursor: string | undefined;
}

/** Accounts as the read model has them. */
@Injectable()
export class FindAccountsQuery {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    private readonly accountIds: AccountIds,
  ) {}

  /** @throws Problem invalid-request */
  async find(query: FindAccounts): Promise<AccountPage> {
    const { cursor, limit, ...filters } = query;
    const { status, email, registeredFrom, registeredTo, sort } = filters;
    const isPrefix = email?.endsWith('*') === true;
    // One more than asked for says whether there is a next page.
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
      after: cursor === undefined ? undefined : accountPlaceOf(cursor, filters),
    });
    const accounts = found.slice(0, limit);
    const last = accounts.at(-1);
    const nextCursor =
      found.length > limit && last
        ? cursorOf([last.registeredAt.toISOString(), last.accountId], filters)
        : undefined;
    return { accounts, nextCursor };
  }

  /**
   * @param account id or e-mail address
   * @throws Problem account-not-found, invalid-request
   */
  async findOne(account: string): Promise<ListedAccount> {
    const accountId = accountIdOfPath(account, this.accountIds);
    const found = await findListedAccount(this.readModel, accountId);
    if (found === undefined) {
      throw new Problem(adminProblems.accountNotFound, 'No account has this id or address.');
    }
    return found;
  }
}

function accountPlaceOf(
  cursor: string,
  filters: object,
): { readonly registeredAt: Date; readonly accountId: string } {
  const [registeredAt = '', accountId = ''] = placeOf(cursor, filters, 2);
  const time = new Date(registeredAt);
  if (Number.isNaN(time.getTime()) || !/^[0-9a-f-]{36}$/.test(accountId)) {
    throw invalidCursor('is not a cursor of an earlier answer');
  }
  return { registeredAt: time, accountId };
}
