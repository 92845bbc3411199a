import { Command } from '@nestjs/cqrs';
import type { ProvenRegistration } from '../basic-auth/proven-account.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import type { RequestContext } from '../request-context.js';

export interface ActivatedAccount extends WrittenAt {
  /** Milliseconds since the Unix epoch. */
  readonly activatedAt: number;
}

/** The caller, who has proven the password, offers a code. */
export class ActivateAccount extends Command<ActivatedAccount> {
  constructor(
    readonly account: ProvenRegistration,
    readonly guess: string,
    readonly context: RequestContext,
  ) {
    super();
  }
}
