import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiBasicAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CallProblems, ApiRead } from '../api-description/api-description.js';
import { BasicAuthGuard } from '../basic-auth/basic-auth.guard.js';
import { Proven } from '../basic-auth/proven-account.js';
import type { ProvenAccount } from '../basic-auth/proven-account.js';

const accountAnswer = z.object({
  accountId: z.uuid(),
  email: z.string(),
  status: z.enum(['pending', 'active']),
  registeredAt: z.iso.datetime(),
  activatedAt: z.iso.datetime().nullable(),
});

@ApiTags('account')
@ApiBasicAuth('basic')
@Controller('v1/account')
@UseGuards(BasicAuthGuard)
export class ViewAccountController {
  @Get()
  @ApiOperation({
    summary: 'See the own account',
    description: 'Whether it waits for activation or is active, and since when.',
  })
  @ApiRead(200, 'The account', accountAnswer, {
    accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
    email: 'ada@example.org',
    status: 'active',
    registeredAt: '2026-11-22T10:02:11.000Z',
    activatedAt: '2026-11-22T10:02:12.345Z',
  })
  @CallProblems(
    'invalidRequest',
    'unauthenticated',
    'writeNotInLog',
    'tooManyRequests',
    'serviceUnavailable',
  )
  /** Shows the row that the password was checked against: one query serves both. */
  view(@Proven() account: ProvenAccount): z.infer<typeof accountAnswer> {
    return {
      accountId: account.accountId,
      email: account.address,
      status: account.status,
      registeredAt: account.registeredAt.toISOString(),
      activatedAt: account.activatedAt?.toISOString() ?? null,
    };
  }
}
