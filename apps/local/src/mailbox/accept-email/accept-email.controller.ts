import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Headers, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { MailboxFaults } from '../inject-faults/faults.js';
import { Mailbox, fingerprintOf } from '../keep-emails/mailbox.js';
import { MAILBOX_SETTINGS } from '../mailbox-settings.js';
import type { MailboxSettings } from '../mailbox-settings.js';
import { ProviderError } from '../provider-error.js';
import { demandApiKey } from './api-key.js';
import { parseEmailRequest } from './email-request.js';

/** `POST /emails`: the provider's contract, and the faults that are switched on. */
@Controller('emails')
export class AcceptEmailController {
  constructor(
    private readonly mailbox: Mailbox,
    private readonly faults: MailboxFaults,
    @Inject(MAILBOX_SETTINGS) private readonly settings: MailboxSettings,
  ) {}

  @Post()
  async accept(
    @Headers('authorization') authorization: string | undefined,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    demandApiKey(authorization, this.settings.EMAIL_API_KEY);
    // A sender that gives up while it waits here has still sent its message, as with a slow provider.
    const ofRecipient = this.faults.faultsFor(body);
    await delay(this.faults.switches.latencyMs + ofRecipient.latencyMs);
    if (this.faults.take('hang') || ofRecipient.hang) return this.neverAnswer(reply);
    const failure = this.faults.takeFailure() ?? ofRecipient.failure;
    if (failure) throw failure;

    checkIdempotencyKey(idempotencyKey);
    const email = parseEmailRequest(body);
    const copies = () => (this.faults.take('duplicate') ? 2 : 1);
    const key = idempotencyKey ?? null;
    const id = await this.mailbox.accept(email, key, fingerprintOf(body), copies);

    if (this.faults.take('dropAfterAccept')) {
      reply.hijack().raw.destroy();
      return;
    }
    reply.status(200).send({ id });
  }

  private async neverAnswer(reply: FastifyReply): Promise<void> {
    const { raw } = reply.hijack();
    if (!raw.destroyed) await once(raw, 'close');
  }
}

function checkIdempotencyKey(key: string | undefined): void {
  if (key !== undefined && (key.length < 1 || key.length > 256)) {
    throw new ProviderError(400, 'The idempotency key must have 1 to 256 characters.', {
      errorName: 'invalid_idempotency_key',
    });
  }
}
