export { AccountEventCodec } from './account-event-codec.js';
export {
  AccountKeyDestroyed,
  AccountKeyMissing,
  AccountKeyUnreadable,
  AccountKeys,
} from './account-keys.js';
export { SealBroken } from './seal.js';
