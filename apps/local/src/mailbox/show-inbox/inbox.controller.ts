import { Controller, Get, Header, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Email } from '../keep-emails/email.js';
import { Mailbox } from '../keep-emails/mailbox.js';
import { recipientOf } from '../read-emails/read-emails.controller.js';
import { MAILBOX_SETTINGS } from '../mailbox-settings.js';
import type { MailboxSettings } from '../mailbox-settings.js';
import { mailedCodes } from './mailed-codes.js';
import {
  INBOX_PAGE_SIZE,
  MESSAGE_POLICY,
  inboxPage,
  messageMissingPage,
  messagePage,
} from './inbox-page.js';
import type { Shown } from './inbox-page.js';

/** The inbox for people, at `/`. */
@Controller()
export class InboxController {
  constructor(
    private readonly mailbox: Mailbox,
    @Inject(MAILBOX_SETTINGS) private readonly settings: MailboxSettings,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  inbox(@Query('to') query: unknown): string {
    const to = recipientOf(query);
    const emails = this.mailbox.list(INBOX_PAGE_SIZE, to);
    return inboxPage(emails, this.mailbox.count, to, this.shown(emails));
  }

  @Get('messages/:id')
  message(@Param('id') id: string, @Res() reply: FastifyReply): void {
    const email = this.mailbox.find(id);
    reply
      .status(email ? 200 : 404)
      .header('Content-Type', 'text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .send(email ? this.pageOf(email) : messageMissingPage(new Date()));
  }

  private pageOf(email: Email): string {
    return messagePage(email, this.shown(this.mailbox.list(INBOX_PAGE_SIZE, email.to[0])));
  }

  /** @param emails all newer ones of their recipients among them */
  private shown(emails: readonly Email[]): Shown {
    const now = new Date();
    const lifetimeMs = this.settings.ACTIVATION_CODE_TTL_SECONDS * 1_000;
    return { states: mailedCodes(emails, lifetimeMs, now), now };
  }

  /** The e-mail's own HTML, for the sandboxed frame of the message page and harmless when opened alone. */
  @Get('messages/:id/html')
  html(@Param('id') id: string, @Res() reply: FastifyReply): void {
    const html = this.mailbox.find(id)?.html;
    reply
      .status(html ? 200 : 404)
      .header('Content-Type', 'text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .header('Content-Security-Policy', MESSAGE_POLICY)
      .send(html ?? '');
  }
}
