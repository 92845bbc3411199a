import {
  Controller,
  HttpCode,
  Inject,
  NotFoundException,
  Optional,
  Post,
  Req,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  ApiBody,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import { requestIdHeader, toSchemaObject } from '@app/http-service/open-api.js';
import type { FastifyRequest } from 'fastify';
import { CallProblems } from '../api-description/api-description.js';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { MailEventSignature } from './mail-event-signature.js';
import { mailNewsOf, providerMessage } from './provider-message.js';
import { rawBodyOf } from './raw-body.js';
import { RecordMailEventCommand } from './record-mail-event.handler.js';

/** Where the e-mail provider reports deliveries and bounces; main.ts keeps its bodies raw. */
export const MAIL_EVENTS_PATH = '/v1/mail-events';

@ApiTags('mail events')
@ApiSecurity('signature')
@Controller(MAIL_EVENTS_PATH)
export class RecordMailEventController {
  constructor(
    private readonly commandBus: CommandBus,
    /** Undefined where no provider has a key. */
    @Optional()
    @Inject(MailEventSignature)
    private readonly signature: MailEventSignature | undefined,
  ) {}

  /** Answers 204 to every authentic message, repeated and irrelevant ones included. */
  @Post()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Report what became of a mail: for the e-mail provider',
    description:
      'Messages in the shape of the Resend API, signed as Standard Webhooks are. Repeated ones, and those that concern ' +
      'no code, are answered 204 as well. Where MAIL_WEBHOOK_KEY is not set, every message is answered 404.',
  })
  @ApiHeader({
    name: 'svix-id',
    required: true,
    description: 'Or webhook-id: the same for a repeated message.',
  })
  @ApiHeader({
    name: 'svix-timestamp',
    required: true,
    description: 'Or webhook-timestamp: Unix time in seconds.',
  })
  @ApiBody({ schema: toSchemaObject(providerMessage, 'input') })
  @ApiResponse({ status: 204, description: 'Taken', headers: requestIdHeader })
  @CallProblems(
    'invalidRequest',
    'mailEventNotAuthentic',
    'notFound',
    'payloadTooLarge',
    'unsupportedMediaType',
    'accountUnreadable',
    'serviceUnavailable',
  )
  async record(
    @Req() request: FastifyRequest,
    @FromRequest() context: RequestContext,
  ): Promise<void> {
    if (this.signature === undefined) throw new NotFoundException();
    const providerEventId = this.signature.verify(request.headers, rawBodyOf(request));
    const news = mailNewsOf(request.body);
    if (news === undefined) return;
    await this.commandBus.execute(new RecordMailEventCommand(news, providerEventId, context));
  }
}
