import { Command } from '@nestjs/cqrs';
import type { ProvenRegistration } from '../basic-auth/proven-account.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import type { RequestContext } from '../request-context.js';

/** The caller, who has proven the password, lost the code or let it expire. */
export class RequestActivationCode extends Command<WrittenAt> {
  constructor(
    readonly account: ProvenRegistration,
    readonly context: RequestContext,
  ) {
    super();
  }
}
