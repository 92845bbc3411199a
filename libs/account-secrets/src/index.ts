export { secretKeySetting } from './secret-key.js';
export { KeyRing, UnknownKey, type NamedKey } from './key-ring.js';
export { secretSettings } from './secret-settings.js';
export { sentinelOf } from './sentinel.js';
export { AccountIds } from './account-ids.js';
export { BucketNames, SHARED_LIMITS } from './bucket-names.js';
export { NetworkNames } from './network-names.js';
export { ActivationCodes } from './activation-codes.js';
