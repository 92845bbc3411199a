import { keyRingSetting } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { ConfigurationError, loadConfiguration, setting } from '@app/service';
import type { Environment } from '@app/service';
import { z } from 'zod';

export type AccountsWorkerSettings = ReturnType<typeof readWorkerSettings>;

/**
 * Everything the worker process can be told from outside; README.md explains each setting.
 *
 * @throws ConfigurationError naming every fault
 */
export function readWorkerSettings(env?: Environment) {
  const settings = loadConfiguration(
    {
      NODE_ENV: setting.nodeEnv(),
      HOST: z.string().default('127.0.0.1'),
      INTERNAL_PORT: setting.port().default(0),
      EVENTSTORE_URL: setting.secret(setting.url('esdb:', 'esdb+discover:')),
      DATABASE_URL: setting.secret(setting.url('postgres:', 'postgresql:')),
      DATABASE_CONNECTIONS: setting.integer(2, 200).default(5),
      ACTIVATION_CODE_KEYS: keyRingSetting('ACTIVATION_CODE_KEYS'),
      PERSONAL_DATA_KEYS: keyRingSetting('PERSONAL_DATA_KEYS'),
      ...activationSettings((least, most, preset) => setting.integer(least, most).default(preset)),
      REGISTRATION_RETENTION_DAYS: setting.integer(1, 3_650).default(30),
      EMAIL_API_URL: setting.url('http:', 'https:'),
      EMAIL_API_KEY: setting.secret(z.string().min(1)),
      EMAIL_API_FAILOVER_URL: setting.url('http:', 'https:').optional(),
      EMAIL_API_FAILOVER_KEY: setting.secret(z.string().min(1)).optional(),
      EMAIL_FROM: z.string().default('Accounts <no-reply@localhost>'),
      EMAIL_TIMEOUT_MS: setting.integer(100, 60_000).default(3_000),
      EMAIL_CONCURRENCY: setting.integer(1, 256).default(16),
      EMAIL_DOUBT_MS: setting.integer(0, 600_000).default(10_000),
      EMAIL_BREAKER_FAILURES: setting.integer(1, 1_000).default(5),
      EMAIL_BREAKER_PAUSE_MS: setting.integer(10, 60_000).default(1_000),
      EMAIL_BREAKER_LONGEST_PAUSE_MS: setting.integer(10, 300_000).default(15_000),
    },
    env,
  );
  const { EMAIL_API_FAILOVER_URL, EMAIL_API_FAILOVER_KEY } = settings;
  if ((EMAIL_API_FAILOVER_URL === undefined) !== (EMAIL_API_FAILOVER_KEY === undefined)) {
    throw new ConfigurationError([
      'EMAIL_API_FAILOVER_URL and EMAIL_API_FAILOVER_KEY belong together: set both or none',
    ]);
  }
  return settings;
}
