import type { GuessablePasswords, PasswordPolicy, RegistrationAllowance } from '@app/accounts';
import {
  Body,
  Controller,
  HttpCode,
  Inject,
  Post,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import * as z from 'zod';
import { CallProblems, ApiWrite } from '../api-description/api-description.js';
import { ConsistencyTokenInterceptor } from '../read-your-writes/consistency-token.interceptor.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { GUESSABLE_PASSWORDS, PASSWORD_POLICY } from '../passwords/password-rules.js';
import { Allowed, RegistrationThrottleGuard } from '../limits/throttle-registrations.guard.js';
import { RegistrationGate } from '../who-may-register/registration-gate.js';
import { RegisterAccountCommand } from './register-account.handler.js';
import { assertAcceptable, registrationRequest } from './registration-request.js';
import type { RegistrationRequest } from './registration-request.js';

/** Says nothing about whether the address had an account before. */
const MESSAGE =
  'If this address can be activated, a message with an activation code is on its way.';

const registrationAnswer = z.object({ accountId: z.uuid(), message: z.string() });

@ApiTags('accounts')
@Controller('v1/accounts')
export class RegisterAccountController {
  constructor(
    private readonly commandBus: CommandBus,
    @Inject(PASSWORD_POLICY) private readonly policy: PasswordPolicy,
    @Inject(GUESSABLE_PASSWORDS) private readonly guessablePasswords: GuessablePasswords,
    private readonly gate: RegistrationGate,
  ) {}

  @Post()
  @HttpCode(202)
  @UseGuards(RegistrationThrottleGuard)
  @UseInterceptors(ConsistencyTokenInterceptor)
  @ApiOperation({
    summary: 'Register an e-mail address with a password',
    security: [],
    description:
      'Sends a 4-digit code to the address; a longer one when wrong codes were tried before. The answer is the ' +
      'same whether the address is new, waits for activation or is active already. While it waits, each network ' +
      '(IPv4 /24, IPv6 /48) that registers it has a password of its own: registering again replaces the one of ' +
      'the same network. A person who moved to another network registers again there; the code in the inbox stays good.',
  })
  @ApiWrite(202, 'Accepted', registrationAnswer, {
    accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
    message: MESSAGE,
  })
  @CallProblems(
    'invalidRequest',
    'registrationClosed',
    'captchaNotPassed',
    'payloadTooLarge',
    'unsupportedMediaType',
    'tooManyRequests',
    'accountUnreadable',
    'serviceUnavailable',
  )
  async register(
    @Body({ schema: registrationRequest }) body: RegistrationRequest,
    @FromRequest() context: RequestContext,
    @Allowed() allowed: RegistrationAllowance,
  ): Promise<z.infer<typeof registrationAnswer> & WrittenAt> {
    this.gate.assertOpen();
    assertAcceptable(body, this.policy, this.guessablePasswords, this.gate);
    await this.gate.assertPerson(body.captchaToken);
    const { accountId, written } = await this.commandBus.execute(
      new RegisterAccountCommand(body.email, body.password, context, allowed),
    );
    return { accountId, message: MESSAGE, written };
  }
}
