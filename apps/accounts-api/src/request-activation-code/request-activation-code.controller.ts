import { Controller, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBasicAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import * as z from 'zod';
import { ApiConsistencyToken, CallProblems, ApiWrite } from '../api-description/api-description.js';
import { BasicAuthGuard } from '../basic-auth/basic-auth.guard.js';
import { Proven } from '../basic-auth/proven-account.js';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { ConsistencyTokenInterceptor } from '../read-your-writes/consistency-token.interceptor.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { CountsAgain } from '../limits/counts-again.js';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { IsInboxFull, NewCodeThrottleGuard } from '../limits/throttle-new-codes.guard.js';
import { RequestActivationCodeCommand } from './request-activation-code.handler.js';

const MESSAGE = 'A message with a new code is on its way; earlier codes are void.';

const requestAnswer = z.object({
  message: z.string(),
  newCodeAllowedAt: z.iso.datetime().meta({ description: 'When the next one may be asked for.' }),
});

@ApiTags('account')
@ApiBasicAuth('basic')
@Controller('v1/account/activation-code')
@UseGuards(BasicAuthGuard, NewCodeThrottleGuard)
export class RequestActivationCodeController {
  constructor(private readonly commandBus: CommandBus) {}

  @Post()
  @HttpCode(202)
  @CountsAgain()
  @UseInterceptors(ConsistencyTokenInterceptor)
  @ApiOperation({
    summary: 'Ask for a new code',
    description:
      'At most one in 30 seconds; 5 in an hour and 10 in a day for one network. Takes no body.',
  })
  @ApiWrite(202, 'On its way', requestAnswer, {
    message: MESSAGE,
    newCodeAllowedAt: '2026-11-22T10:02:41.000Z',
  })
  @ApiConsistencyToken()
  @CallProblems(
    'invalidRequest',
    'unauthenticated',
    'accountAlreadyActive',
    'writeNotInLog',
    'activationCodeRequestedTooSoon',
    'payloadTooLarge',
    'unsupportedMediaType',
    'tooManyRequests',
    'accountUnreadable',
    'serviceUnavailable',
  )
  async request(
    @Proven() account: ProvenClaim,
    @FromRequest() context: RequestContext,
    @IsInboxFull() isInboxFull: boolean,
  ): Promise<z.infer<typeof requestAnswer> & WrittenAt> {
    const { written, newCodeAllowedAt } = await this.commandBus.execute(
      new RequestActivationCodeCommand(account, context, isInboxFull),
    );
    return {
      message: MESSAGE,
      newCodeAllowedAt: new Date(newCodeAllowedAt).toISOString(),
      written,
    };
  }
}
