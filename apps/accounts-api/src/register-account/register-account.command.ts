import { Command } from '@nestjs/cqrs';
import type { RequestContext } from '../request-context.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';

export interface RegisteredAccount extends WrittenAt {
  readonly accountId: string;
}

/** Somebody wants an account for this address. The answer is the same whatever the address has already. */
export class RegisterAccount extends Command<RegisteredAccount> {
  constructor(
    readonly address: string,
    readonly password: string,
    readonly context: RequestContext,
  ) {
    super();
  }
}
