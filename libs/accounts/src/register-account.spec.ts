import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RegisterAccount } from './register-account.js';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  DAY,
  exampleNonce,
  MINUTE,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
  pendingAccount,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

function register(change: Partial<RegisterAccount> = {}): RegisterAccount {
  return {
    type: 'RegisterAccount',
    address: ada.address,
    passwordHash: ada.passwordHash,
    network: ada.network,
    networkKey: ada.networkKey,
    nonce: exampleNonce(1),
    keyId: ada.keyId,
    language: ada.language,
    now: noon,
    ...change,
  };
}

function registerAgain(now: number, issueNumber: number): RegisterAccount {
  return register({ passwordHash: ada.newPasswordHash, nonce: exampleNonce(issueNumber), now });
}

describe('Registering an address', () => {
  it('that is new registers it and issues code 1', () => {
    given().when(register()).then(accountRegistered(), codeIssued());
  });

  it('that is pending renews the registration and issues a new code', () => {
    given(...pendingAccount)
      .when(registerAgain(noon + 30 * SECOND, 2))
      .then(registrationRenewed(noon + 30 * SECOND), codeIssued(2, noon + 30 * SECOND, 2));
  });

  it('that is pending, too soon for a new code, keeps the one mailed before', () => {
    const early = noon + 29_999;
    const decided = given(...pendingAccount).when(registerAgain(early, 2));
    decided.then(registrationRenewed(early));
    expect(decided.state).toMatchObject({
      status: 'pending',
      claims: [{ number: 2, network: ada.network, passwordHash: ada.newPasswordHash }],
      registrationNumber: 2,
      code: { issueNumber: 1, delivery: { status: 'sent' } },
    });
  });

  it('again and again takes no more codes than the hour allows', () => {
    const issues = [1, 2, 3, 4, 5].map((n) => codeIssued(n, noon + (n - 1) * MINUTE));
    const last = noon + 60 * MINUTE - 1;
    given(accountRegistered(), ...issues)
      .when(registerAgain(last, 6))
      .then(registrationRenewed(last));
    given(accountRegistered(), ...issues)
      .when(registerAgain(last + 1, 6))
      .then(registrationRenewed(last + 1), codeIssued(6, last + 1, 2));
  });

  it('again gives back neither the guesses of the code nor those of the address', () => {
    const guesses = [1, 2].map((n) => activationRefused(1, 'incorrect', noon + n * SECOND));
    const decided = given(...pendingAccount, ...guesses).when(registerAgain(noon + 3 * SECOND, 2));
    expect(decided.state).toMatchObject({
      code: { issueNumber: 1, tries: [{ network: ada.network, wrongGuesses: 2 }] },
      wrongGuessesAt: [noon + SECOND, noon + 2 * SECOND],
    });
  });

  it('whose code was undeliverable issues another, within the same budget', () => {
    const failed = [accountRegistered(), codeIssued(), codeUndeliverable(1, noon + SECOND)];
    given(...failed)
      .when(registerAgain(noon + 2 * SECOND, 2))
      .then(registrationRenewed(noon + 2 * SECOND));
    given(...failed)
      .when(registerAgain(noon + 30 * SECOND, 2))
      .then(registrationRenewed(noon + 30 * SECOND), codeIssued(2, noon + 30 * SECOND, 2));
  });

  it('that is active changes no credentials, is recorded, and gives the owner notice', () => {
    const decided = given(...activeAccount).when(
      register({ passwordHash: ada.newPasswordHash, now: noon + MINUTE }),
    );
    decided.then(registrationRefused(noon + MINUTE), ownerNoticeIssued(1, noon + MINUTE));
    expect(decided.state).toEqual({
      ...given(...activeAccount).state,
      registrationRefusedAt: noon + MINUTE,
      ownerNotice: {
        noticeNumber: 1,
        issuedAt: noon + MINUTE,
        language: ada.language,
        delivery: 'awaited',
      },
    });
  });

  it('that is active is recorded once in 24 hours, however often anybody asks', () => {
    const refused = [...activeAccount, registrationRefused(noon), ownerNoticeIssued(1, noon)];
    for (const later of [0, SECOND, DAY - 1]) {
      given(...refused)
        .when(register({ now: noon + later }))
        .then();
    }
    given(...refused)
      .when(register({ now: noon + DAY }))
      .then(registrationRefused(noon + DAY), ownerNoticeIssued(2, noon + DAY));
  });

  const waits = {
    'waits to be mailed': [],
    'was mailed': [ownerNotified(1, noon + MINUTE)],
    'could not be mailed': [ownerNoticeUndeliverable(1, noon + MINUTE)],
  };
  for (const [what, facts] of Object.entries(waits)) {
    it(`that is active gives no second notice within 24 hours of one that ${what}`, () => {
      const noticed = [...activeAccount, ownerNoticeIssued(1, noon + MINUTE), ...facts];
      given(...noticed)
        .when(register({ now: noon + MINUTE + DAY - 1 }))
        .then(registrationRefused(noon + MINUTE + DAY - 1));
      given(...noticed)
        .when(register({ now: noon + MINUTE + DAY }))
        .then(registrationRefused(noon + MINUTE + DAY), ownerNoticeIssued(2, noon + MINUTE + DAY));
    });
  }

  it('does nothing, whatever the address has, when it was registered too often', () => {
    for (const facts of [[], pendingAccount, activeAccount]) {
      given(...facts)
        .when(register({ now: noon + DAY, allowed: 'nothing' }))
        .then();
    }
  });

  it('issues neither a code nor a notice for an inbox that gets no more mails today', () => {
    const allowed = 'registration' as const;
    given().when(register({ allowed })).then(accountRegistered());
    given(...pendingAccount)
      .when({ ...registerAgain(noon + 60 * MINUTE, 2), allowed })
      .then(registrationRenewed(noon + 60 * MINUTE));
    given(...activeAccount)
      .when(register({ now: noon + DAY, allowed }))
      .then(registrationRefused(noon + DAY));
  });

  it('numbers registrations, so that replaced credentials can be recognised', () => {
    const { state } = given(
      ...pendingAccount,
      registrationRenewed(noon + MINUTE),
      codeIssued(2, noon + MINUTE, 2),
      codeSent(2, noon + MINUTE),
      registrationRenewed(noon + 2 * MINUTE),
    );
    expect(state).toMatchObject({ registrationNumber: 3, registeredAt: noon });
  });
});

describe('Claims', () => {
  const from = (network: string, now: number, change: Partial<RegisterAccount> = {}) =>
    register({
      network,
      passwordHash: `hash of ${network}`,
      nonce: exampleNonce(2),
      now,
      ...change,
    });
  const claimOf = (network: string, at: number) =>
    registrationRenewed(at, { network, passwordHash: `hash of ${network}` });
  const networks = ['train', 'office', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const ten = [...pendingAccount, ...networks.map((network) => claimOf(network, noon + SECOND))];

  it('of one network are replaced by its own registrations alone', () => {
    const { state } = given(...pendingAccount, claimOf('train', noon + SECOND)).when(
      from('train', noon + 2 * SECOND, { passwordHash: 'another', language: 'en' }),
    );
    expect(state).toMatchObject({
      registrationNumber: 3,
      claims: [
        { number: 1, network: ada.network, passwordHash: ada.passwordHash, language: ada.language },
        { number: 3, network: 'train', passwordHash: 'another', language: 'en' },
      ],
    });
  });

  it('keep their language when the call names none, and each its own', () => {
    const silent = { language: undefined };
    const { state } = given(...pendingAccount, claimOf('train', noon + SECOND)).when(
      from(ada.network, noon + 2 * SECOND, silent),
    );
    expect(state).toMatchObject({
      claims: [
        { network: 'train', language: ada.language },
        { number: 3, language: ada.language },
      ],
    });
    const stranger = given(...pendingAccount).when(from('office', noon + SECOND, silent));
    expect(stranger.state).toMatchObject({
      claims: [
        { network: ada.network, language: 'fr' },
        { network: 'office', language: 'en' },
      ],
      code: { askedBy: { language: 'fr' } },
    });
  });

  it('are ten at most: another network changes nothing, one of the ten its own', () => {
    given(...ten)
      .when(from('eleventh', noon + DAY - 1))
      .then();
    const replaced = given(...ten).when(from('train', noon + MINUTE));
    expect(replaced.state).toMatchObject({ claims: { length: 10 } });
  });

  it('give way when they are older than 24 hours, the oldest first', () => {
    const decided = given(...ten).when(from('eleventh', noon + DAY));
    expect(decided.state).toMatchObject({ claims: { length: 10 } });
    const { claims } = decided.state as unknown as { claims: { network: string }[] };
    expect(claims.map(({ network }) => network)).toEqual([...networks, 'eleventh']);
  });

  it('get no code while the code of another network is alive, and one when it is not', () => {
    given(...pendingAccount)
      .when(from('train', noon + 59_999))
      .then(claimOf('train', noon + 59_999));
    given(...pendingAccount)
      .when(from('train', noon + MINUTE))
      .then(claimOf('train', noon + MINUTE), codeIssued(2, noon + MINUTE, 2));
    given(accountRegistered(), codeIssued(), codeUndeliverable(1, noon + SECOND))
      .when(from('train', noon + 30 * SECOND))
      .then(claimOf('train', noon + 30 * SECOND), codeIssued(2, noon + 30 * SECOND, 2));
  });

  it('leave each other the codes that each network may ask for', () => {
    const issues = [1, 2, 3, 4, 5].map((n) => codeIssued(n, noon + (n - 1) * MINUTE));
    const at = noon + 30 * MINUTE;
    given(accountRegistered(), ...issues, codeSent(5, noon + 4 * MINUTE))
      .when(from('train', at, { nonce: exampleNonce(6) }))
      .then(claimOf('train', at), codeIssued(6, at, 2));
  });

  it('end with the activation of one, which is the account from then on', () => {
    const { state } = given(
      ...pendingAccount,
      claimOf('train', noon + SECOND),
      accountActivated(1, noon + 2 * SECOND, 2),
    );
    expect(state).toMatchObject({
      status: 'active',
      claim: { number: 2, network: 'train', passwordHash: 'hash of train' },
    });
  });

  it('keep the language of the owner, whatever strangers read', () => {
    const decided = given(...activeAccount).when(from('train', noon + DAY, { language: 'en' }));
    expect(decided.events.at(-1)).toEqual(ownerNoticeIssued(1, noon + DAY));
  });
});
