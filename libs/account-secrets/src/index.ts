export { InvalidSecretSetting, parseSecretKey, secretKeySetting } from './secret-key.js';
export { KeyRing, UnknownKey, type NamedKey } from './key-ring.js';
export { secretSettings } from './secret-settings.js';
export { sentinelOf } from './sentinel.js';
export { AccountIds } from './account-ids.js';
export { BucketNames, SHARED_LIMITS } from './bucket-names.js';
export { NetworkNames } from './network-names.js';
export { ActivationCodes, type IssuedCode } from './activation-codes.js';
