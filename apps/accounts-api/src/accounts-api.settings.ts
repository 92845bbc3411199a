import { keyRingSetting, secretKeySetting } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { ConfigurationError, loadConfiguration, setting } from '@app/service';
import type { Environment } from '@app/service';
import { z } from 'zod';
import { TrustedProxies, trustedProxiesSetting } from './client-address/client-addresses.js';
import { mailWebhookKeySetting } from './record-mail-event/mail-webhook-key.js';
import { limitSettings } from './throttle/limits.js';

export type AccountsApiSettings = ReturnType<typeof readApiSettings>;

/** The lowest bcrypt cost that production accepts. */
const LOWEST_SAFE_BCRYPT_COST = 10;

/**
 * Everything the API process can be told from outside; README.md explains each setting.
 *
 * @throws ConfigurationError naming every fault
 */
export function readApiSettings(env?: Environment) {
  const production = (env ?? process.env)['NODE_ENV'] === 'production';
  const lowestCost = production ? LOWEST_SAFE_BCRYPT_COST : 4;
  const settings = loadConfiguration(
    {
      NODE_ENV: setting.nodeEnv(),
      HOST: z.string().default('127.0.0.1'),
      API_PORT: setting.port().default(8080),
      INTERNAL_PORT: setting.port().default(0),
      EVENTSTORE_URL: setting.secret(setting.url('esdb:', 'esdb+discover:')),
      DATABASE_URL: setting.secret(setting.url('postgres:', 'postgresql:')),
      DATABASE_CONNECTIONS: setting.integer(1, 200).default(10),
      ADDRESS_KEY: secretKeySetting('ADDRESS_KEY'),
      ACTIVATION_CODE_KEYS: keyRingSetting('ACTIVATION_CODE_KEYS'),
      PASSWORD_PEPPERS: keyRingSetting('PASSWORD_PEPPERS'),
      PERSONAL_DATA_KEYS: keyRingSetting('PERSONAL_DATA_KEYS'),
      SERVICE_NAME: z.string().max(64).default('accounts'),
      BCRYPT_COST: setting.integer(lowestCost, 15).default(12),
      PASSWORD_MIN_LENGTH: setting.integer(8, 128).default(8),
      PASSWORD_MAX_LENGTH: setting.integer(8, 1_000).default(128),
      PASSWORD_REQUIRE_DIGIT: setting.flag().default(false),
      PASSWORD_REQUIRE_UPPER: setting.flag().default(false),
      PASSWORD_REQUIRE_LOWER: setting.flag().default(false),
      PASSWORD_REQUIRE_SPECIAL: setting.flag().default(false),
      CREDENTIAL_CACHE_SECONDS: setting.integer(0, 3_600).default(60),
      ANSWER_BEAT_MS: setting.integer(0, 1_000).default(50),
      TRUSTED_PROXIES: trustedProxiesSetting().default(new TrustedProxies('')),
      ...limitSettings(production),
      MAIL_WEBHOOK_KEY: setting.secret(mailWebhookKeySetting()).optional(),
      ...activationSettings((least, most, preset) => setting.integer(least, most).default(preset)),
    },
    env,
  );
  if (settings.PASSWORD_MAX_LENGTH < settings.PASSWORD_MIN_LENGTH) {
    throw new ConfigurationError([
      'PASSWORD_MAX_LENGTH is not valid: must not be less than PASSWORD_MIN_LENGTH',
    ]);
  }
  return settings;
}
