import { keyRingSetting } from '@app/account-secrets';
import { loadConfiguration, setting } from '@app/service';
import type { Environment } from '@app/service';
import { z } from 'zod';

export type AccountsWorkerSettings = ReturnType<typeof readSettings>;

/**
 * Everything the worker process can be told from outside; README.md explains each setting.
 *
 * @throws ConfigurationError naming every fault
 */
export function readSettings(env?: Environment) {
  return loadConfiguration(
    {
      NODE_ENV: setting.nodeEnv(),
      HOST: z.string().default('127.0.0.1'),
      INTERNAL_PORT: setting.port().default(0),
      EVENTSTORE_URL: setting.url('esdb:', 'esdb+discover:'),
      DATABASE_URL: setting.url('postgres:', 'postgresql:'),
      DATABASE_CONNECTIONS: setting.integer(2, 200).default(5),
      ACTIVATION_CODE_KEYS: keyRingSetting('ACTIVATION_CODE_KEYS'),
      PERSONAL_DATA_KEYS: keyRingSetting('PERSONAL_DATA_KEYS'),
      ACTIVATION_CODE_TTL_SECONDS: setting.integer(1, 3_600).default(60),
      EMAIL_API_URL: setting.url('http:', 'https:'),
      EMAIL_API_KEY: z.string().min(1),
      EMAIL_FROM: z.string().default('Accounts <no-reply@localhost>'),
      EMAIL_TIMEOUT_MS: setting.integer(100, 60_000).default(3_000),
      EMAIL_CONCURRENCY: setting.integer(1, 256).default(16),
    },
    env,
  );
}
