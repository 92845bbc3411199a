import { keyRingSetting, secretKeySetting } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { loadConfiguration, setting } from '@app/service';
import type { Environment } from '@app/service';
import { z } from 'zod';
import { parseKeyText } from './admin-keys/key-text.js';

export type AccountsAdminSettings = ReturnType<typeof readAdminSettings>;

const settingTypes = {
  NODE_ENV: setting.nodeEnv(),
  HOST: z.string().default('127.0.0.1'),
  ADMIN_PORT: setting.port().default(8090),
  INTERNAL_PORT: setting.port().default(0),
  EVENTSTORE_URL: setting.secret(setting.url('esdb:', 'esdb+discover:')),
  DATABASE_URL: setting.secret(setting.url('postgres:', 'postgresql:')),
  DATABASE_CONNECTIONS: setting.integer(2, 200).default(5),
  ADDRESS_KEY: secretKeySetting('ADDRESS_KEY'),
  ACTIVATION_CODE_KEYS: keyRingSetting('ACTIVATION_CODE_KEYS'),
  PERSONAL_DATA_KEYS: keyRingSetting('PERSONAL_DATA_KEYS'),
  RECEIPT_KEY: secretKeySetting('RECEIPT_KEY').optional(),
  ADMIN_KEY: setting
    .secret(
      z
        .string()
        .refine((text) => parseKeyText(text) !== undefined, 'must be id.secret')
        .transform(parseKeyText),
    )
    .optional(),
  ...activationSettings((least, most, preset) => setting.integer(least, most).default(preset)),
};

/**
 * Everything the admin process can be told from outside; README.md explains each setting.
 *
 * @throws ConfigurationError naming every fault
 */
export function readAdminSettings(env?: Environment) {
  return loadConfiguration(settingTypes, env);
}

/** A setting, for somebody who must not learn a secret. */
export interface SettingReport {
  readonly name: string;
  /** Given in the environment, or in a file that it names. */
  readonly isSet: boolean;
  /** Of settings that cannot be secret, whichever way it came about; null of all others. */
  readonly value: number | string | null;
}

/** Numbers and the mode are told; whatever is text could be, or hold, a secret. */
export function reportSettings(
  settings: AccountsAdminSettings,
  env: Environment = process.env,
): readonly SettingReport[] {
  const values: Readonly<Record<string, unknown>> = settings;
  return Object.keys(settingTypes).map((name) => {
    const value = values[name];
    const mode = name === 'NODE_ENV' ? settings.NODE_ENV : null;
    return {
      name,
      isSet: Boolean(env[name] || env[`${name}_FILE`]),
      value: typeof value === 'number' ? value : mode,
    };
  });
}
