import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import helmet from 'helmet';
import { listen } from '@app/http-service';
import type { Log, RunningProcess } from '@app/process';
import { announceCode } from './keep-emails/announce-code.js';
import type { Email } from './keep-emails/email.js';
import { MailboxModule } from './mailbox.module.js';
import type { MailboxSettings } from './mailbox-settings.js';
import { ProviderError, errorDocument } from './provider-error.js';
import { ProviderErrorFilter } from './provider-error.filter.js';
import { PAGE_POLICY } from './show-inbox/inbox-page.js';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_REQUEST_TIME_MS = 15_000;

/**
 * Starts the stand-in provider.
 *
 * @param onAccepted called for each message once it is kept
 * @returns its endpoint, keyed `mailbox`
 * @throws PortNotAvailable
 */
export async function startMailbox(
  settings: MailboxSettings,
  log: Log,
  onAccepted: (email: Email) => void = announceCode,
): Promise<RunningProcess> {
  const app = await NestFactory.create<NestFastifyApplication>(
    MailboxModule.with(settings, log, onAccepted),
    new FastifyAdapter({
      bodyLimit: MAX_BODY_BYTES,
      requestTimeout: MAX_REQUEST_TIME_MS,
      forceCloseConnections: true,
      frameworkErrors: answerBadUrl,
    }),
    { logger: false, abortOnError: false },
  );
  app.useGlobalFilters(new ProviderErrorFilter(log));
  const secure = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: PAGE_POLICY },
    strictTransportSecurity: false,
    originAgentCluster: false,
  });
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRequest', (request, reply, done) =>
    secure(request.raw, reply.raw, () => done()),
  );
  const { HOST, MAILBOX_PORT } = settings;
  const mailbox = await listen(app, HOST, MAILBOX_PORT, 'MAILBOX_PORT').catch(
    async (error: unknown) => {
      await app.close();
      throw error;
    },
  );
  return { endpoints: { mailbox }, stop: () => app.close() };
}

/** The path cannot be decoded or is beyond measure, so that no route was looked for. */
function answerBadUrl(
  { statusCode = 400 }: Error & { readonly statusCode?: number },
  _request: unknown,
  reply: FastifyReply,
): void {
  const error = new ProviderError(statusCode, 'The path is not a valid URL, or too long.');
  void reply.status(error.status).send(errorDocument(error));
}
