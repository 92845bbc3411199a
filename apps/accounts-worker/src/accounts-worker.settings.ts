import { secretSettings } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { ConfigurationError, loadConfiguration, setting, processSettings } from '@app/process';
import type { Environment } from '@app/process';
import * as z from 'zod';

export const workerSettingTypes = {
  ...processSettings,
  DATABASE_CONNECTIONS: setting.integer(2, 200).default(5).describe('Connections at a time'),
  ACTIVATION_CODE_KEYS: secretSettings.ACTIVATION_CODE_KEYS,
  PERSONAL_DATA_KEYS: secretSettings.PERSONAL_DATA_KEYS,
  ...activationSettings(setting.bounded),
  REGISTRATION_RETENTION_DAYS: setting
    .integer(1, 3_650)
    .default(30)
    .describe('How long a registration may wait for its activation before the person is forgotten'),
  EMAIL_API_URL: setting
    .url('http:', 'https:')
    .describe('The provider: mails go to `<url>/emails`'),
  EMAIL_API_KEY: setting.secret(z.string().min(1)).describe('Sent to the provider as Bearer token'),
  EMAIL_API_FAILOVER_URL: setting
    .url('http:', 'https:')
    .optional()
    .describe(
      'A second provider, for when the first is down ([ADR 20](adr/0020-two-providers-and-mails-in-doubt.md))',
    ),
  EMAIL_API_FAILOVER_KEY: setting.secret(z.string().min(1)).optional().describe('Its key'),
  EMAIL_FROM: z.string().default('Accounts <no-reply@localhost>').describe('Sender'),
  EMAIL_TIMEOUT_MS: setting
    .integer(100, 60_000)
    .default(3_000)
    .describe('Longest time for one try'),
  EMAIL_CONCURRENCY: setting.integer(1, 256).default(16).describe('Mails at a time'),
  EMAIL_DOUBT_MS: setting
    .integer(0, 600_000)
    .default(10_000)
    .describe('How long a mail stays with the provider that may have taken it already'),
  EMAIL_BREAKER_FAILURES: setting
    .integer(1, 1_000)
    .default(5)
    .describe('Failures in a row that pause sending'),
  EMAIL_BREAKER_PAUSE_MS: setting.integer(10, 60_000).default(1_000).describe('The first pause'),
  EMAIL_BREAKER_LONGEST_PAUSE_MS: setting
    .integer(10, 300_000)
    .default(15_000)
    .describe('The longest pause'),
};

export type AccountsWorkerSettings = ReturnType<typeof readWorkerSettings>;

/**
 * Every setting of the worker process; docs/settings.md lists them.
 *
 * @throws ConfigurationError naming every fault
 */
export function readWorkerSettings(env?: Environment) {
  const settings = loadConfiguration(workerSettingTypes, env);
  const { EMAIL_API_FAILOVER_URL, EMAIL_API_FAILOVER_KEY } = settings;
  if ((EMAIL_API_FAILOVER_URL === undefined) !== (EMAIL_API_FAILOVER_KEY === undefined)) {
    throw new ConfigurationError([
      'EMAIL_API_FAILOVER_URL and EMAIL_API_FAILOVER_KEY belong together: set both or none',
    ]);
  }
  return settings;
}
