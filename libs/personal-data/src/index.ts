export * from './accounts.js';
export { AccountEventCodec } from './account-event-codec.js';
export {
  AccountKeyDestroyed,
  AccountKeyMissing,
  AccountKeyUnreadable,
  AccountKeys,
  KeyEncryptionKeyWrong,
} from './account-keys.js';
export { SetAsideCodec, concernsOneAccount, setAside } from './set-aside-codec.js';
export type { SetAsideOptions } from './set-aside-codec.js';
export { SealBroken, open, seal } from './seal.js';
export { anonymousAccountCodec } from './anonymous-account-codec.js';
