import { Body, Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { ProviderError } from '../provider-error.js';
import { MailboxFaults, faultSwitches } from './faults.js';
import type { MailboxFaultSwitches } from './faults.js';

/** `/faults`: makes the provider misbehave, for tests. */
@Controller('faults')
export class FaultsController {
  constructor(private readonly faults: MailboxFaults) {}

  @Get()
  read(): MailboxFaultSwitches {
    return this.faults.switches;
  }

  @Put()
  set(@Body() body: unknown): MailboxFaultSwitches {
    const parsed = faultSwitches.safeParse(body);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      const field = issue.path.join('.') || 'The body';
      throw new ProviderError(422, `${field}: ${issue.message}.`);
    }
    this.faults.set(parsed.data);
    return this.faults.switches;
  }

  @Delete()
  @HttpCode(204)
  clear(): void {
    this.faults.set(faultSwitches.parse({}));
  }
}
