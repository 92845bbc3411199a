import { Controller, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { FromRequest } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { MailEventSignature } from './mail-event-signature.js';
import { mailNewsOf } from './provider-message.js';
import { rawBodyOf } from './raw-body.js';
import { RecordMailEventCommand } from './record-mail-event.handler.js';

/** Where the e-mail provider reports deliveries and bounces; main.ts keeps its bodies raw. */
export const MAIL_EVENTS_PATH = '/v1/mail-events';

/** For the provider alone: not part of the API that is described to callers. */
@ApiExcludeController()
@Controller(MAIL_EVENTS_PATH)
export class RecordMailEventController {
  constructor(
    private readonly commandBus: CommandBus,
    @Inject(MailEventSignature) private readonly signature: MailEventSignature,
  ) {}

  /** Answers 204 to every authentic message, repeated and irrelevant ones included. */
  @Post()
  @HttpCode(204)
  async record(
    @Req() request: FastifyRequest,
    @FromRequest() context: RequestContext,
  ): Promise<void> {
    const providerEventId = this.signature.verify(request.headers, rawBodyOf(request));
    const news = mailNewsOf(request.body);
    if (news === undefined) return;
    await this.commandBus.execute(new RecordMailEventCommand(news, providerEventId, context));
  }
}
