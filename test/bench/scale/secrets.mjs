/** Secrets of a data set, as the product's own code takes them. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConsistencyTokens } from '../../../dist/modules/apps/accounts-api/src/read-your-writes/consistency-tokens.js';
import { BcryptPasswordHasher } from '../../../dist/modules/apps/accounts-api/src/passwords/bcrypt-password-hasher.js';
import { AccountIds, KeyRing } from '../../../dist/modules/libs/account-secrets/src/index.js';
import { password } from './account-lives.mjs';

/** Measures the product and not bcrypt. */
export const BCRYPT_COST = 4;
const HASHES = 16;

export function readSecrets(secretFiles) {
  const text = (setting) => readFileSync(secretFiles[`${setting}_FILE`], 'utf8').trim();
  const addressKey = Buffer.from(text('ADDRESS_KEY'), 'base64');
  return {
    accountIds: new AccountIds(addressKey),
    consistencyTokens: new ConsistencyTokens(addressKey),
    peppers: KeyRing.parse(text('PASSWORD_PEPPERS'), 'PASSWORD_PEPPERS'),
    personalDataKeys: KeyRing.parse(text('PERSONAL_DATA_KEYS'), 'PERSONAL_DATA_KEYS'),
    adminKey: text('ADMIN_KEY'),
  };
}

/** A few for the accounts that prove no password. */
export async function hashesOfNobody(peppers) {
  const hasher = await hasherOf(peppers);
  return Promise.all(Array.from({ length: HASHES }, () => hasher.hash(password, randomUUID())));
}

/** Lets any number of passwords wait. */
export function hasherOf(peppers) {
  return BcryptPasswordHasher.create({ cost: BCRYPT_COST, peppers, longestWaitMs: Infinity });
}
