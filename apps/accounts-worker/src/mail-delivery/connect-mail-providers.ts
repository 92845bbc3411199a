import type { Clock } from '@app/process';
import type { AccountsWorkerSettings } from '../accounts-worker.settings.js';
import { HttpMailProvider } from './http-mail-provider.js';
import { MailProviders } from './mail-providers.js';

/** Each provider with a breaker of its own; the second one is there only where it is configured. */
export function connectMailProviders(
  settings: AccountsWorkerSettings,
  clock: Clock,
): MailProviders {
  const { EMAIL_API_FAILOVER_URL: failoverUrl, EMAIL_API_FAILOVER_KEY: failoverKey } = settings;
  const provider = (name: string, url: string, apiKey: string) =>
    new HttpMailProvider(name, {
      url,
      apiKey,
      from: settings.EMAIL_FROM,
      timeoutMs: settings.EMAIL_TIMEOUT_MS,
      clock,
      failures: settings.EMAIL_BREAKER_FAILURES,
      pauseMs: settings.EMAIL_BREAKER_PAUSE_MS,
      longestPauseMs: settings.EMAIL_BREAKER_LONGEST_PAUSE_MS,
    });
  const first = provider('first', settings.EMAIL_API_URL, settings.EMAIL_API_KEY);
  const others =
    failoverUrl === undefined || failoverKey === undefined
      ? []
      : [provider('failover', failoverUrl, failoverKey)];
  return new MailProviders([first, ...others], settings.EMAIL_DOUBT_MS, clock);
}
