import { Command } from '@nestjs/cqrs';
import type { RequestContext } from '../request-context.js';
import type { MailNews } from './provider-message.js';

/** The provider tells what became of a mail. Safe to repeat. */
export class RecordMailEvent extends Command<void> {
  constructor(
    readonly news: MailNews,
    /** The provider's id of the message. */
    readonly providerEventId: string,
    readonly context: RequestContext,
  ) {
    super();
  }
}
