import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Headers, Inject, Post, Res } from '@nestjs/common';
import { MailboxFaults } from '../inject-faults/faults.js';
import { Mailbox, fingerprintOf } from '../keep-emails/mailbox.js';
import { MAILBOX_SETTINGS } from '../mailbox-settings.js';
import type { MailboxSettings } from '../mailbox-settings.js';
import { ProviderError } from '../provider-error.js';
import type { Reply } from '../reply.js';
import { demandApiKey } from './api-key.js';
import { parseEmailRequest } from './email-request.js';
import { Statistics } from './statistics.js';

/** `POST /emails`: the provider's contract, and the faults that are switched on. */
@Controller('emails')
export class AcceptEmailController {
  constructor(
    private readonly mailbox: Mailbox,
    private readonly faults: MailboxFaults,
    private readonly statistics: Statistics,
    @Inject(MAILBOX_SETTINGS) private readonly settings: MailboxSettings,
  ) {}

  @Post()
  async accept(
    @Headers('authorization') authorization: string | undefined,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: unknown,
    @Res() reply: Reply,
  ): Promise<void> {
    this.checkApiKey(authorization);
    // A sender that gives up while it waits here has still sent its message, as with a slow provider.
    const ofRecipient = this.faults.faultsFor(body);
    await delay(this.faults.latencyMs + ofRecipient.latencyMs);
    if (this.faults.takeHang() || ofRecipient.hang) return this.neverAnswer(reply);
    const failure = this.faults.takeFailure() ?? ofRecipient.failure;
    if (failure) {
      this.statistics.failed += 1;
      throw failure;
    }

    const { id, deduplicated } = await this.keep(body, idempotencyKey);
    if (deduplicated) this.statistics.deduplicated += 1;
    else this.statistics.accepted += 1;

    if (this.faults.takeDropAfterAccept()) {
      reply.hijack().raw.destroy();
      return;
    }
    reply.status(200).send({ id });
  }

  private checkApiKey(authorization: string | undefined): void {
    try {
      demandApiKey(authorization, this.settings.apiKey);
    } catch (error) {
      this.statistics.refused += 1;
      throw error;
    }
  }

  private async keep(body: unknown, idempotencyKey: string | undefined) {
    try {
      checkIdempotencyKey(idempotencyKey);
      const email = parseEmailRequest(body);
      const copies = () => (this.faults.takeDuplicate() ? 2 : 1);
      return await this.mailbox.accept(email, idempotencyKey ?? null, fingerprintOf(body), copies);
    } catch (error) {
      if (error instanceof ProviderError) this.statistics.refused += 1;
      throw error;
    }
  }

  private async neverAnswer(reply: Reply): Promise<void> {
    this.statistics.failed += 1;
    const { raw } = reply.hijack();
    if (!raw.destroyed) await once(raw, 'close');
  }
}

function checkIdempotencyKey(key: string | undefined): void {
  if (key !== undefined && (key.length < 1 || key.length > 256)) {
    throw new ProviderError(
      400,
      'invalid_idempotency_key',
      'The idempotency key must have 1 to 256 characters.',
    );
  }
}
