import { systemClock } from '@app/service';
import type { AccountsWorkerSettings } from '../accounts-worker.settings.js';
import { GuardedMailProvider } from './guarded-mail-provider.js';
import { HttpMailSender } from './http-mail-sender.js';
import { MailProviders } from './mail-providers.js';

/** Each provider behind a breaker of its own; the second one is there only where it is configured. */
export function connectMailProviders(settings: AccountsWorkerSettings) {
  const { EMAIL_API_FAILOVER_URL: failoverUrl, EMAIL_API_FAILOVER_KEY: failoverKey } = settings;
  const senders: HttpMailSender[] = [];
  const guarded = (name: string, url: string, apiKey: string) => {
    const sender = new HttpMailSender({
      url,
      apiKey,
      from: settings.EMAIL_FROM,
      timeoutMs: settings.EMAIL_TIMEOUT_MS,
      clock: systemClock,
    });
    senders.push(sender);
    return new GuardedMailProvider(name, sender, {
      failures: settings.EMAIL_BREAKER_FAILURES,
      pauseMs: settings.EMAIL_BREAKER_PAUSE_MS,
      longestPauseMs: settings.EMAIL_BREAKER_LONGEST_PAUSE_MS,
    });
  };
  const first = guarded('first', settings.EMAIL_API_URL, settings.EMAIL_API_KEY);
  const others =
    failoverUrl === undefined || failoverKey === undefined
      ? []
      : [guarded('failover', failoverUrl, failoverKey)];
  return {
    mailProviders: new MailProviders([first, ...others], settings.EMAIL_DOUBT_MS),
    closeConnections: () => senders.forEach((sender) => sender.close()),
  };
}
