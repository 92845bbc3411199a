import { keyRingSetting } from './key-ring.js';
import { secretKeySetting } from './secret-key.js';

/** The secrets of the service as settings: each process takes those that it works with. */
export const secretSettings = {
  ADDRESS_KEY: secretKeySetting().describe(
    'Base64 of 32 bytes or more. Names streams, seals `Consistency-Token`; **can never be replaced**',
  ),
  ACTIVATION_CODE_KEYS: keyRingSetting('ACTIVATION_CODE_KEYS').describe(
    'Key ring that codes are derived from. Keep a replaced key 20 minutes',
  ),
  PASSWORD_PEPPERS: keyRingSetting('PASSWORD_PEPPERS').describe(
    'Key ring. A lost pepper loses the passwords made with it',
  ),
  PERSONAL_DATA_KEYS: keyRingSetting('PERSONAL_DATA_KEYS').describe(
    "Key ring that wraps the accounts' own keys",
  ),
};
