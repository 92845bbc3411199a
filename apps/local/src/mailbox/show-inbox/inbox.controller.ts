import { Controller, Get, Header, Param, Query, Res } from '@nestjs/common';
import { Mailbox } from '../keep-emails/mailbox.js';
import { recipientOf } from '../read-emails/read-emails.controller.js';
import type { Reply } from '../reply.js';
import {
  INBOX_PAGE_SIZE,
  MESSAGE_POLICY,
  inboxPage,
  messageMissingPage,
  messagePage,
} from './inbox-page.js';

/** The inbox for people, at `/`. */
@Controller()
export class InboxController {
  constructor(private readonly mailbox: Mailbox) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  inbox(@Query('to') query: unknown): string {
    const to = recipientOf(query);
    return inboxPage(this.mailbox.list(INBOX_PAGE_SIZE, to), this.mailbox.count, to);
  }

  @Get('messages/:id')
  message(@Param('id') id: string, @Res() reply: Reply): void {
    const email = this.mailbox.find(id);
    reply
      .status(email ? 200 : 404)
      .header('Content-Type', 'text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .send(email ? messagePage(email) : messageMissingPage());
  }

  /** The e-mail's own HTML, for the sandboxed frame of the message page and harmless when opened alone. */
  @Get('messages/:id/html')
  html(@Param('id') id: string, @Res() reply: Reply): void {
    const html = this.mailbox.find(id)?.html;
    reply
      .status(html ? 200 : 404)
      .header('Content-Type', 'text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .header('Content-Security-Policy', MESSAGE_POLICY)
      .send(html ?? '');
  }
}
