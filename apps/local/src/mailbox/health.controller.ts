import { Controller, Get } from '@nestjs/common';
import { Mailbox } from './keep-emails/mailbox.js';
import { ProviderError } from './provider-error.js';

/** `GET /health`: 200 while messages can be accepted. */
@Controller('health')
export class HealthController {
  constructor(private readonly mailbox: Mailbox) {}

  @Get()
  check(): { status: 'ok' } {
    if (this.mailbox.fault) {
      throw new ProviderError(503, 'The mailbox cannot store messages.');
    }
    return { status: 'ok' };
  }
}
