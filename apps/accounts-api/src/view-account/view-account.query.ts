import type { AccountView } from '@app/read-model';
import { Query } from '@nestjs/cqrs';

/** The caller's own account, as the read model has it. */
export class ViewAccount extends Query<AccountView> {
  constructor(readonly accountId: string) {
    super();
  }
}
