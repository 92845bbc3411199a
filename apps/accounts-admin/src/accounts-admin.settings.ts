import { secretKeySetting, secretSettings } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { loadConfiguration, setting, processSettings } from '@app/process';
import type { Environment } from '@app/process';
import * as z from 'zod';
import { parseKeyText } from './keys/key-text.js';

export type AccountsAdminSettings = ReturnType<typeof readAdminSettings>;

export const adminSettingTypes = {
  ...processSettings,
  ADMIN_PORT: setting.port().default(8090).describe('Port of the admin API'),
  DATABASE_CONNECTIONS: setting.integer(2, 200).default(5).describe('Connections at a time'),
  ADDRESS_KEY: secretSettings.ADDRESS_KEY,
  ACTIVATION_CODE_KEYS: secretSettings.ACTIVATION_CODE_KEYS,
  PERSONAL_DATA_KEYS: secretSettings.PERSONAL_DATA_KEYS,
  RECEIPT_KEY: secretKeySetting()
    .optional()
    .describe(
      'Base64 of 32 bytes or more. Signs receipts of erasures and exports; without it nothing is erased or exported',
    ),
  ADMIN_KEY: setting
    .secret(
      z
        .string()
        .refine((text) => parseKeyText(text) !== undefined, 'must be id.secret')
        .transform(parseKeyText),
    )
    .optional()
    .describe('A key of operators, as `id.secret`, that is valid as long as it is configured'),
  ...activationSettings(setting.bounded),
};

/**
 * Every setting of the admin process; docs/settings.md lists them.
 *
 * @throws ConfigurationError naming every fault
 */
export function readAdminSettings(env?: Environment) {
  return loadConfiguration(adminSettingTypes, env);
}

/** A setting, reported without secrets. */
export interface SettingReport {
  readonly name: string;
  /** Given in the environment, or in a file that it names. */
  readonly isSet: boolean;
  /** Of settings that cannot be secret, whichever way it came about; null of all others. */
  readonly value: number | string | null;
}

/** Reports the values of numbers and of the mode only: a text could be, or hold, a secret. */
export function reportSettings(
  settings: AccountsAdminSettings,
  env: Environment = process.env,
): readonly SettingReport[] {
  const values: Readonly<Record<string, unknown>> = settings;
  return Object.keys(adminSettingTypes).map((name) => {
    const value = values[name];
    const mode = name === 'NODE_ENV' ? settings.NODE_ENV : null;
    return {
      name,
      isSet: Boolean(env[name] || env[`${name}_FILE`]),
      value: typeof value === 'number' ? value : mode,
    };
  });
}
