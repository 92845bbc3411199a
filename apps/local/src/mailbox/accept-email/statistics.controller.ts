import { Controller, Delete, Get, HttpCode } from '@nestjs/common';
import { Mailbox } from '../keep-emails/mailbox.js';
import { Statistics } from './statistics.js';

/** `/statistics`: counters for tests. */
@Controller('statistics')
export class StatisticsController {
  constructor(
    private readonly statistics: Statistics,
    private readonly mailbox: Mailbox,
  ) {}

  @Get()
  read() {
    const { accepted, deduplicated, refused, failed } = this.statistics;
    return {
      accepted,
      deduplicated,
      refused,
      failed,
      kept: this.mailbox.count,
      perIdempotencyKey: this.mailbox.keyUse,
    };
  }

  @Delete()
  @HttpCode(204)
  reset(): void {
    this.statistics.reset();
  }
}
