import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import type { Email } from '../keep-emails/email.js';
import { Mailbox } from '../keep-emails/mailbox.js';
import { ProviderError } from '../provider-error.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;

/** `GET /emails`, `GET /emails/:id`, `DELETE /emails`: what tests and the demonstration read. */
@Controller('emails')
export class ReadEmailsController {
  constructor(private readonly mailbox: Mailbox) {}

  @Get()
  list(@Query() query: Record<string, unknown>): { data: Email[]; has_more: boolean } {
    const limit = limitOf(query['limit']);
    const found = this.mailbox.list(limit + 1, recipientOf(query['to']));
    return { data: found.slice(0, limit), has_more: found.length > limit };
  }

  @Get(':id')
  find(@Param('id') id: string): Email {
    const email = this.mailbox.find(id);
    if (!email) throw new ProviderError(404, 'There is no e-mail with this id.');
    return email;
  }

  @Delete()
  @HttpCode(204)
  async empty(): Promise<void> {
    await this.mailbox.empty();
  }
}

/**
 * The address that a query asks for. A bare `+` in a query stands for a space, and an address holds none:
 * `?to=ada+1@example.org`, typed by hand, means what it says.
 *
 * @throws ProviderError 422 when it is given more than once
 */
export function recipientOf(to: unknown): string | undefined {
  if (to === undefined || to === '') return undefined;
  if (typeof to === 'string') return to.trim().replaceAll(' ', '+');
  throw new ProviderError(422, 'The `to` parameter must be given once.');
}

function limitOf(limit: unknown): number {
  if (limit === undefined) return DEFAULT_LIMIT;
  const value = typeof limit === 'string' && /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  throw new ProviderError(
    422,
    `The \`limit\` parameter must be a whole number from 1 to ${MAX_LIMIT}.`,
  );
}
