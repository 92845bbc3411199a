import { describe, expect, it } from '@jest/globals';
import { erased } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountErased,
  accountRegistered,
  activationRefused,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  registrationLapsed,
  registrationRefused,
  passwordHashUpgraded,
  registrationRenewed,
} from '@app/accounts/testing/account-examples.js';
import { accountsProjection, projectAccountEvent } from './accounts.projection.js';

const place = { accountId: ada.accountId, revision: 4n, position: 9_007_199_254_740_993n };
const statementFor = (event: AccountEvent) => projectAccountEvent({ ...place, event });

describe('accounts projection', () => {
  it('adds a row when an account is registered, unless somebody has the address', () => {
    expect(statementFor(accountRegistered())).toEqual({
      name: 'account-registered',
      text: expect.stringMatching(
        /^insert into read_model\.accounts[^]+on conflict \(account_id\) do update[^]+stored\.status in \('lapsed', 'erased'\)$/,
      ),
      values: [
        ada.accountId,
        4n,
        9_007_199_254_740_993n,
        ada.address,
        ada.passwordHash,
        new Date(noon),
        1,
      ],
    });
  });

  it('replaces the password of a pending account when the registration is renewed', () => {
    expect(statementFor(registrationRenewed(noon + 1))).toEqual({
      name: 'registration-renewed',
      text: expect.stringContaining('registration_number = registration_number + 1'),
      values: [ada.accountId, 4n, 9_007_199_254_740_993n, ada.newPasswordHash],
    });
  });

  it('makes a pending account active', () => {
    expect(statementFor(accountActivated(1, noon + 2))).toEqual({
      name: 'account-activated',
      text: expect.stringContaining(`status = 'active', activated_at = $4`),
      values: [ada.accountId, 4n, 9_007_199_254_740_993n, new Date(noon + 2)],
    });
  });

  it('replaces the hash of a password, whatever the status', () => {
    expect(statementFor(passwordHashUpgraded(noon + 1))).toEqual({
      name: 'password-hash-upgraded',
      text: expect.stringMatching(
        /password_hash = \$4\s+where account_id = \$1 and revision < \$2 and status in \('pending', 'active'\)$/,
      ),
      values: [ada.accountId, 4n, 9_007_199_254_740_993n, ada.upgradedPasswordHash],
    });
  });

  it('takes address and hash out of the row when a person is forgotten', () => {
    for (const event of [registrationLapsed(noon), accountErased(noon)]) {
      expect(statementFor(event)).toEqual({
        name: event.type === 'AccountErased' ? 'account-erased' : 'registration-lapsed',
        text: expect.stringContaining('address = null, password_hash = null'),
        values: [ada.accountId, 4n, 9_007_199_254_740_993n],
      });
    }
  });

  it('writes nothing in place of what was erased', () => {
    const event: AccountEvent = {
      type: 'AccountRegistered',
      data: { address: erased, passwordHash: erased, registeredAt: noon, registrationNumber: 7 },
    };
    expect(statementFor(event)?.values?.slice(3)).toEqual([null, null, new Date(noon), 7]);
  });

  it.each([registrationRenewed(noon), accountActivated(1, noon)])(
    'changes only rows of an earlier revision: $type',
    (event) => {
      expect(statementFor(event)?.text).toContain(
        `where account_id = $1 and revision < $2 and status = 'pending'`,
      );
    },
  );

  it.each([
    registrationRefused(noon),
    codeIssued(),
    codeSent(),
    codeUndeliverable(1, noon),
    activationRefused(1, 'incorrect', noon),
  ])('shows nothing of $type', (event) => {
    expect(statementFor(event)).toBeUndefined();
  });

  it('takes the account from the name of its stream', () => {
    const event = accountRegistered();
    const streamName = `account-${ada.accountId}`;
    expect(accountsProjection.project({ ...place, streamName, event })).toEqual(
      statementFor(event),
    );
    expect(accountsProjection.streamNamePrefixes).toEqual(['account-']);
  });

  it('refuses streams that are no account', () => {
    const event = accountRegistered();
    expect(() =>
      accountsProjection.project({ ...place, streamName: 'account-of-nobody', event }),
    ).toThrow(RangeError);
  });
});
