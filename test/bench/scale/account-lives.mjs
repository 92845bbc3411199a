/**
 * The lives of the accounts of a data set, by number. Everything but nonces follows from the number, so that
 * a data set that was made half can be continued.
 */
import { createHash, randomBytes } from 'node:crypto';

const DAY_MS = 86_400_000;
/** Registrations are spread evenly over so long; the worker forgets those that are older and pending. */
const SPREAD_MS = 20 * DAY_MS;
const SECOND_MS = 1_000;
const CODE_TTL_MS = 60 * SECOND_MS;
/** The last of all: their addresses begin alike, which is the worst case of a search by both. */
const WAVE_SHARE = 0.003;

/** Each account is registered from one network. */
const CLAIM = { networkKey: '00112233445566778899aabbccddeeff', network: 'home', language: 'en' };

/** The password of every account. */
export const password = 'correct horse battery staple';

/** @param {{accounts: number}} dataSet */
export function addressOf(number, { accounts }) {
  if (number >= accounts - Math.ceil(accounts * WAVE_SHARE)) return `wave${number}@example.org`;
  return `${createHash('md5').update(String(number)).digest('hex').slice(0, 12)}@example.org`;
}

/** Milliseconds since the Unix epoch. */
export function registeredAtOf(number, { accounts, madeAt }) {
  return Math.floor(madeAt - SPREAD_MS + (number * SPREAD_MS) / (accounts + 1));
}

/**
 * One of 20 has a hash of its own, which proves its password. The others share a few that prove nothing: a million
 * hashes would take a quarter of an hour.
 */
export function provesPassword(number) {
  return number % 20 === 0;
}

/** What becomes of an account. 88 of 100 are activated at once, 10 wait. */
export function fateOf(number) {
  const remainder = number % 100;
  if (remainder === 50) return 'erased';
  if (remainder === 51) return 'second-code';
  return remainder % 10 === 9 ? 'pending' : 'active';
}

/**
 * The facts of an account in two parts, as they come into being: by the registration, and after its mail.
 *
 * @param {{accounts: number, madeAt: number, passwordHashes: readonly string[]}} dataSet
 */
export function lifeOf(number, dataSet) {
  const at = registeredAtOf(number, dataSet);
  const passwordHash = dataSet.passwordHashes[number % dataSet.passwordHashes.length];
  const registration = [
    {
      type: 'AccountRegistered',
      data: { address: addressOf(number, dataSet), passwordHash, ...CLAIM, registeredAt: at },
    },
    issued(1, at),
  ];
  const activated = (issueNumber, activatedAt) => ({
    type: 'AccountActivated',
    data: { issueNumber, claimNumber: 1, activatedAt },
  });
  switch (fateOf(number)) {
    case 'pending':
      return { registration, outcome: [sent(number, 1, at + 200)] };
    case 'active':
      return {
        registration,
        outcome: [sent(number, 1, at + 200), activated(1, at + 20 * SECOND_MS)],
      };
    case 'second-code':
      return {
        registration,
        outcome: [
          sent(number, 1, at + 200),
          {
            type: 'ActivationRefused',
            data: {
              issueNumber: 1,
              claimNumber: 1,
              reason: 'incorrect',
              refusedAt: at + 20 * SECOND_MS,
            },
          },
          issued(2, at + 40 * SECOND_MS),
          sent(number, 2, at + 41 * SECOND_MS),
          activated(2, at + 60 * SECOND_MS),
        ],
      };
    case 'erased':
      return {
        registration,
        outcome: [
          sent(number, 1, at + 200),
          activated(1, at + 20 * SECOND_MS),
          {
            type: 'AccountErased',
            data: {
              receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
              reason: 'requested-by-owner',
              registrationNumber: 1,
              erasedAt: at + 3_600 * SECOND_MS,
            },
          },
        ],
      };
  }
}

function issued(issueNumber, issuedAt) {
  return {
    type: 'ActivationCodeIssued',
    data: {
      issueNumber,
      nonce: randomBytes(16).toString('hex'),
      keyId: 'k1',
      issuedAt,
      claimNumber: 1,
      form: 'short',
    },
  };
}

function sent(number, issueNumber, sentAt) {
  return {
    type: 'ActivationCodeSent',
    data: {
      issueNumber,
      sentAt,
      expiresAt: sentAt + CODE_TTL_MS,
      providerMessageId: `scale-${number}-${issueNumber}`,
    },
  };
}

/** The account that operators look at again and again: a stream of its own with so many refusals. */
export function longHistoryOf(refusals, dataSet) {
  const at = registeredAtOf(0, dataSet);
  return {
    address: `history${refusals}@example.org`,
    facts: [
      {
        type: 'AccountRegistered',
        data: {
          address: `history${refusals}@example.org`,
          passwordHash: dataSet.passwordHashes[0],
          ...CLAIM,
          registeredAt: at,
        },
      },
      issued(1, at),
      sent(-refusals, 1, at + 200),
      {
        type: 'AccountActivated',
        data: { issueNumber: 1, claimNumber: 1, activatedAt: at + 20 * SECOND_MS },
      },
      ...Array.from({ length: refusals }, (_, n) => ({
        type: 'RegistrationRefused',
        data: { reason: 'already-active', refusedAt: at + (n + 1) * 60 * SECOND_MS },
      })),
    ],
  };
}
