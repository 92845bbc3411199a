import { codeStates } from '@app/accounts';
import type { ActivationProgress } from '@app/accounts';
import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBasicAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import * as z from 'zod';
import { CallProblems, ApiRead } from '../api-description/api-description.js';
import { BasicAuthGuard } from '../basic-auth/basic-auth.guard.js';
import { Proven } from '../basic-auth/proven-account.js';
import type { ProvenAccount } from '../basic-auth/proven-account.js';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { ActivationQuery } from './activation.query.js';
import type { ActivationNow } from './activation.query.js';

const accountQuery = z.object({
  wait: z
    .enum(['sent'], 'must be "sent"')
    .optional()
    .meta({ description: 'Answer when the code was handed over, after 10 seconds at most.' }),
});

const activationAnswer = z
  .object({
    codeState: z
      .enum(codeStates)
      .nullable()
      .meta({
        description:
          'Of the newest code: on its way to the e-mail provider, handed over, arrived, or cannot be delivered. Null, as the ' +
          'next two, when this network asked for none since: ask for one, or use the newest in the inbox.',
      }),
    codeExpiresAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Null until the code is handed over.' }),
    attemptsLeft: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: 'Wrong codes that this network may still send.' }),
    newCodeAllowedAt: z.iso
      .datetime()
      .meta({ description: 'When this network may ask for a new code; in the past: at once.' }),
  })
  .meta({ id: 'Activation' });

const accountAnswer = z.object({
  accountId: z.uuid(),
  email: z.string(),
  status: z.enum(['pending', 'active']),
  registeredAt: z.iso.datetime(),
  activatedAt: z.iso.datetime().nullable(),
  activation: activationAnswer.nullable().meta({
    description:
      'How far it is; null once the account is active, and while the history cannot be read.',
  }),
});

@ApiTags('account')
@ApiBasicAuth('basic')
@Controller('v1/account')
@UseGuards(BasicAuthGuard)
export class ViewAccountController {
  constructor(private readonly activation: ActivationQuery) {}

  @Get()
  @ApiOperation({
    summary: 'See the own account',
    description:
      'Whether it waits for activation or is active, and since when. While it waits, "activation" has what a person with ' +
      'a minute must see; it is read from the history, and so is right at once, and tells of the own claim and network only.',
  })
  @ApiRead(200, 'The account', accountAnswer, {
    accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
    email: 'ada@example.org',
    status: 'pending',
    registeredAt: '2026-11-22T10:02:11.000Z',
    activatedAt: null,
    activation: {
      codeState: 'sent',
      codeExpiresAt: '2026-11-22T10:03:12.000Z',
      attemptsLeft: 3,
      newCodeAllowedAt: '2026-11-22T10:02:41.000Z',
    },
  })
  @CallProblems(
    'invalidRequest',
    'unauthenticated',
    'writeNotInLog',
    'tooManyRequests',
    'accountUnreadable',
    'serviceUnavailable',
  )
  /** Shows the row that the password was checked against; while it says pending, what its history says beside it. */
  async view(
    @Proven() account: ProvenAccount,
    @FromRequest() { network }: RequestContext,
    @Query({ schema: accountQuery }) { wait }: z.infer<typeof accountQuery>,
  ): Promise<z.infer<typeof accountAnswer>> {
    const found = await this.findActivation(account, wait && network);
    const activatedAt =
      found !== 'unknown' && 'activatedAt' in found ? found.activatedAt : undefined;
    return {
      accountId: account.accountId,
      email: account.address,
      status: activatedAt === undefined ? 'pending' : 'active',
      registeredAt: account.registeredAt.toISOString(),
      activatedAt: isoOf(activatedAt),
      activation: found !== 'unknown' && 'codeState' in found ? toActivationAnswer(found) : null,
    };
  }

  /** @param waitingIn the caller's network, when the call waits for the mail */
  private async findActivation(
    account: ProvenAccount,
    waitingIn: string | undefined,
  ): Promise<ActivationNow> {
    if (account.activatedAt !== undefined) return { activatedAt: account.activatedAt.getTime() };
    return waitingIn === undefined
      ? this.activation.now(account)
      : this.activation.whenSent(account, waitingIn);
  }
}

function toActivationAnswer(progress: ActivationProgress): z.infer<typeof activationAnswer> {
  return {
    codeState: progress.codeState ?? null,
    codeExpiresAt: isoOf(progress.codeExpiresAt),
    attemptsLeft: progress.attemptsLeft ?? null,
    newCodeAllowedAt: new Date(progress.newCodeAllowedAt).toISOString(),
  };
}

function isoOf(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}
