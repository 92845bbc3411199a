import { describe, expect, it } from '@jest/globals';
import type { PendingAccount } from './account.js';
import { accountDecider } from './account-decider.js';
import type { Instant } from './account-events.js';
import { defaultActivationPolicy } from './activation-policy.js';
import {
  MINUTE,
  accountActivated,
  accountRegistered,
  ada,
  codeIssued,
  noon,
  passwordHashUpgraded,
  registrationRenewed,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';
import type { UpgradePasswordHash } from './upgrade-password-hash.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);
const upgrade = (now: Instant, replaces: string = ada.passwordHash): UpgradePasswordHash => ({
  type: 'UpgradePasswordHash',
  replaces,
  passwordHash: ada.upgradedPasswordHash,
  now,
});

describe('A password hash that is out of date', () => {
  it('is replaced, of a pending account and of an active one', () => {
    for (const facts of [[], [accountActivated(1, noon)]]) {
      const { state } = given(accountRegistered(), codeIssued(), ...facts).when(
        upgrade(noon + MINUTE),
      );
      expect(state).toMatchObject({
        ...(facts.length
          ? { status: 'active', claim: { passwordHash: ada.upgradedPasswordHash } }
          : { status: 'pending', claims: [{ passwordHash: ada.upgradedPasswordHash }] }),
        registrationNumber: 1,
      });
    }
    given(accountRegistered()).when(upgrade(noon)).then(passwordHashUpgraded(noon));
  });

  it('leaves the code as it was', () => {
    const before = given(accountRegistered(), codeIssued());
    const { state } = before.when(upgrade(noon));
    expect(state).toMatchObject({
      code: (before.state as PendingAccount).code,
      claims: [{ number: 1, passwordHash: ada.upgradedPasswordHash }],
    });
  });

  it('is replaced once', () => {
    given(accountRegistered(), passwordHashUpgraded(noon)).when(upgrade(noon)).then();
  });

  it('stays when another password replaced it meanwhile', () => {
    given(accountRegistered(), registrationRenewed(noon)).when(upgrade(noon)).then();
    const { state } = given(accountRegistered(), registrationRenewed(noon)).when(upgrade(noon));
    expect(state).toMatchObject({ claims: [{ passwordHash: ada.newPasswordHash }] });
  });

  it('is that of the claim whose password it is, and leaves the others alone', () => {
    const decided = given(
      accountRegistered(),
      registrationRenewed(noon, { network: 'train', passwordHash: 'of the train' }),
    ).when(upgrade(noon));
    decided.then(passwordHashUpgraded(noon));
    expect(decided.state).toMatchObject({
      claims: [{ passwordHash: ada.upgradedPasswordHash }, { passwordHash: 'of the train' }],
    });
  });

  it('is none where the address is not registered', () => {
    given().when(upgrade(noon)).then();
  });
});
