import { AccountIds } from '@app/account-secrets';
import { ACTIVATION_POLICY, explainAccount } from '@app/accounts';
import type { AccountExplanation, ActivationPolicy } from '@app/accounts';
import { CLOCK } from '@app/service';
import type { Clock } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Caller } from '../admin-keys/caller.js';
import { AuditLog } from '../audit/audit-log.js';
import { AccountHistory } from '../replay-account/account-history.js';
import { accountIdOfPath } from '../request-values.js';

/** Why an account is as it is, in plain words. */
@Injectable()
export class ExplainAccountQuery {
  constructor(
    private readonly history: AccountHistory,
    private readonly accountIds: AccountIds,
    private readonly audit: AuditLog,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws Problem account-not-found, invalid-request */
  async explain(
    account: string,
    caller: Caller,
  ): Promise<AccountExplanation & { readonly accountId: string }> {
    const accountId = accountIdOfPath(account, this.accountIds);
    await this.audit.record(caller, { operation: 'explain-account', accountIds: [accountId] });
    const events = await this.history.all(accountId);
    return {
      accountId,
      ...explainAccount(
        events.map(({ event }) => event),
        this.clock(),
        this.policy,
      ),
    };
  }
}
