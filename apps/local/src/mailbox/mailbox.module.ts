import { Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import type { Log } from '@app/process';
import { AcceptEmailController } from './accept-email/accept-email.controller.js';
import { HealthController } from './health.controller.js';
import { MailboxFaults } from './inject-faults/faults.js';
import { FaultsController } from './inject-faults/faults.controller.js';
import type { Email } from './keep-emails/email.js';
import { Mailbox } from './keep-emails/mailbox.js';
import { MAILBOX_SETTINGS } from './mailbox-settings.js';
import type { MailboxSettings } from './mailbox-settings.js';
import { ReadEmailsController } from './read-emails/read-emails.controller.js';
import { InboxController } from './show-inbox/inbox.controller.js';

/** The whole stand-in provider. */
@Module({
  controllers: [
    AcceptEmailController,
    ReadEmailsController,
    FaultsController,
    HealthController,
    InboxController,
  ],
  providers: [MailboxFaults],
})
export class MailboxModule implements OnApplicationShutdown {
  constructor(private readonly mailbox: Mailbox) {}

  static with(
    settings: MailboxSettings,
    log: Log,
    onAccepted: (email: Email) => void,
  ): DynamicModule {
    return {
      module: MailboxModule,
      providers: [
        { provide: MAILBOX_SETTINGS, useValue: settings },
        {
          provide: Mailbox,
          useFactory: () =>
            Mailbox.open({
              directory: settings.MAILBOX_DATA_DIR,
              onAccepted,
              onFault: (error) =>
                log.error({ err: error }, 'the file of e-mails was not shortened'),
            }),
        },
      ],
    };
  }

  /** Runs after the server has let go of its connections, so no request appends any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.mailbox.close();
  }
}
