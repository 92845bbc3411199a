export * from './accounts.js';
export { decodeEach } from './decode-each.js';
export { AccountEventCodec } from './account-event-codec.js';
export {
  AccountKeyDestroyed,
  AccountKeyMissing,
  AccountKeyUnreadable,
  AccountKeys,
  KeyEncryptionKeyWrong,
} from './account-keys.js';
export { QuarantineCodec, concernsAllAccounts, concernsOneAccount } from './quarantine-codec.js';
export type { QuarantineOptions } from './quarantine-codec.js';
export { SecretsDoNotMatch, requireSecrets } from './secret-sentinels.js';
export type { Secrets } from './secret-sentinels.js';
export { SealBroken, open, seal } from './seal.js';
export { SealedSnapshots } from './sealed-snapshots.js';
export { anonymousAccountCodec } from './anonymous-account-codec.js';
