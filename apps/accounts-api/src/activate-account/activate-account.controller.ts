import { readActivationCode } from '@app/accounts';
import { Body, Controller, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBasicAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import * as z from 'zod';
import { ApiConsistencyToken, CallProblems, ApiWrite } from '../api-description/api-description.js';
import { BasicAuthGuard } from '../basic-auth/basic-auth.guard.js';
import { Proven } from '../basic-auth/proven-account.js';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { ConsistencyTokenInterceptor } from '../read-your-writes/consistency-token.interceptor.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { WrongCodeThrottleInterceptor } from '../limits/throttle-wrong-codes.interceptor.js';
import { CountsAgain } from '../limits/counts-again.js';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { ActivateAccountCommand } from './activate-account.handler.js';

const A_CODE =
  'must be a text: 4 digits, such as "0042", or 12 letters and digits, such as "7K3M-0QTZ-9HXW"';

const activationRequest = z
  .strictObject({
    code: z
      .string(A_CODE)
      .refine((typed) => readActivationCode(typed) !== undefined, {
        message: A_CODE,
        params: { code: 'malformed-code' },
      })
      .meta({
        description:
          'The code from the newest mail. Text, because leading zeros count. 4 digits, or three groups of 4 letters ' +
          'and digits when wrong codes were tried before: capitals or not, with hyphens or without.',
        minLength: 4,
        maxLength: 40,
        examples: ['0042', '7K3M-0QTZ-9HXW'],
      }),
  })
  .meta({ description: 'The code that was mailed' });

const activationAnswer = z.object({
  accountId: z.uuid(),
  status: z.literal('active'),
  activatedAt: z.iso.datetime(),
});

@ApiTags('account')
@ApiBasicAuth('basic')
@Controller('v1/account/activation')
@UseGuards(BasicAuthGuard)
export class ActivateAccountController {
  constructor(private readonly commandBus: CommandBus) {}

  @Post()
  @HttpCode(200)
  @CountsAgain()
  @UseInterceptors(WrongCodeThrottleInterceptor, ConsistencyTokenInterceptor)
  @ApiOperation({
    summary: 'Activate the account with the mailed code',
    description:
      'The code is accepted for one minute after the mail was handed over. Three wrong guesses from one network ' +
      'burn it there, five when it is a long one. A code of another form than that in the newest mail is answered ' +
      '400 and costs no guess.',
  })
  @ApiWrite(200, 'Activated', activationAnswer, {
    accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
    status: 'active',
    activatedAt: '2026-11-22T10:02:12.345Z',
  })
  @ApiConsistencyToken()
  @CallProblems(
    'invalidRequest',
    'unauthenticated',
    'accountAlreadyActive',
    'writeNotInLog',
    'activationCodeExpired',
    'activationCodeExhausted',
    'activationCodeIncorrect',
    'activationCodeMissing',
    'payloadTooLarge',
    'unsupportedMediaType',
    'tooManyRequests',
    'accountUnreadable',
    'serviceUnavailable',
  )
  async activate(
    @Body({ schema: activationRequest }) { code }: z.infer<typeof activationRequest>,
    @Proven() account: ProvenClaim,
    @FromRequest() context: RequestContext,
  ): Promise<z.infer<typeof activationAnswer> & WrittenAt> {
    const { activatedAt, written } = await this.commandBus.execute(
      new ActivateAccountCommand(account, readActivationCode(code) ?? code, context),
    );
    return {
      accountId: account.accountId,
      status: 'active',
      activatedAt: new Date(activatedAt).toISOString(),
      written,
    };
  }
}
