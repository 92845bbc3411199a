import helmet from '@fastify/helmet';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { ConfigurationError } from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { announceCode } from './keep-emails/announce-code.js';
import type { Email } from './keep-emails/email.js';
import { MailboxModule } from './mailbox.module.js';
import type { MailboxSettings } from './mailbox-settings.js';
import { ProviderError, errorDocument, errorNameOf } from './provider-error.js';
import { ProviderErrorFilter } from './provider-error.filter.js';
import { PAGE_POLICY } from './show-inbox/inbox-page.js';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_REQUEST_TIME_MS = 15_000;

/**
 * Starts the stand-in provider.
 *
 * @param onAccepted called for each message once it is kept
 * @returns its endpoint, keyed `mailbox`
 * @throws ConfigurationError when the port is taken or may not be used
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
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: PAGE_POLICY },
    strictTransportSecurity: false,
    originAgentCluster: false,
  });
  try {
    await app.listen(settings.MAILBOX_PORT, settings.HOST);
  } catch (error) {
    await app.close();
    throw explainListenError(error, settings);
  }
  const { port } = app.getHttpServer().address() as { port: number };
  return {
    endpoints: { mailbox: `http://${reachable(settings.HOST)}:${port}` },
    stop: () => app.close(),
  };
}

/** The path cannot be decoded or is beyond measure, so that no route was looked for. */
function answerBadUrl(
  { statusCode = 400 }: Error & { readonly statusCode?: number },
  _request: unknown,
  reply: FastifyReply,
): void {
  const error = new ProviderError(
    statusCode,
    errorNameOf(statusCode),
    'The path is not a valid URL, or too long.',
  );
  void reply.status(error.status).send(errorDocument(error));
}

function explainListenError(error: unknown, settings: MailboxSettings): unknown {
  const { MAILBOX_PORT: port, HOST: host } = settings;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigurationError([
        `MAILBOX_PORT cannot be used: port ${port} is taken by another process`,
      ]);
    case 'EACCES':
      return new ConfigurationError([
        `MAILBOX_PORT cannot be used: port ${port} needs rights that this process does not have`,
      ]);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigurationError([`HOST cannot be used: ${host} is no address of this machine`]);
    default:
      return error;
  }
}

/** An address to connect to: the wildcards are for listening only. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
