import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Environment } from '@app/process';

const secretKey = () => randomBytes(32).toString('base64');
const keyRing = () => `k1:${secretKey()}`;
const adminKey = () => `${randomBytes(8).toString('hex')}.${randomBytes(32).toString('base64url')}`;

/** How to make a first one of each secret, by its setting; `admin-key` is the file of `ADMIN_KEY`. */
const SECRETS = {
  ADDRESS_KEY: secretKey,
  ACTIVATION_CODE_KEYS: keyRing,
  PASSWORD_PEPPERS: keyRing,
  PERSONAL_DATA_KEYS: keyRing,
  EMAIL_API_KEY: () => randomBytes(24).toString('base64url'),
  RECEIPT_KEY: secretKey,
  ADMIN_KEY: adminKey,
};

export type SecretSetting = keyof typeof SECRETS;

/** `NAME_FILE` settings that hand every secret to the processes. */
export type SecretFiles = Readonly<Record<`${SecretSetting}_FILE`, string>>;

/**
 * Secrets for development, each in a file that only the owner can read. Those that exist are kept: the
 * stored accounts depend on them.
 *
 * @param folder made when it is missing
 * @throws Error with what to do when one is empty
 */
export function developmentSecrets(folder: string): SecretFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files: Record<string, string> = {};
  for (const [setting, generate] of Object.entries(SECRETS)) {
    const path = join(folder, setting.toLowerCase().replaceAll('_', '-'));
    if (existsSync(path)) refuseEmpty(path, folder);
    else {
      // Half a key from a start that was cut would be taken for a whole one.
      writeFileSync(`${path}.new`, `${generate()}\n`, { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
    }
    files[`${setting}_FILE`] = path;
  }
  return files as SecretFiles;
}

/** A new secret in its place would not fit the stored accounts. */
function refuseEmpty(path: string, folder: string): void {
  if (readFileSync(path, 'utf8').trim() !== '') return;
  throw new Error(
    `The secret in ${path} is empty: put it back from a copy, or remove ${dirname(folder)} to start without accounts.`,
  );
}

/**
 * The secrets' settings for one process: what the caller's environment says goes before ours, because a
 * secret that is set twice is refused.
 */
export function secretEnvironment(
  secrets: SecretFiles,
  env: Environment,
  settings: readonly SecretSetting[],
): Record<string, string> {
  return Object.fromEntries(
    settings
      .filter((setting) => !env[setting] && !env[`${setting}_FILE`])
      .map((setting) => [`${setting}_FILE`, secrets[`${setting}_FILE`]]),
  );
}
