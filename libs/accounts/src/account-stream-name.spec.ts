import { describe, expect, it } from '@jest/globals';
import { accountIdOfStream, accountStreamName } from './account-stream-name.js';
import { ada } from './testing/account-examples.js';

describe('The name of an account stream', () => {
  it('is the account id after a prefix', () => {
    expect(accountStreamName(ada.accountId)).toBe(`account-${ada.accountId}`);
    expect(accountIdOfStream(`account-${ada.accountId}`)).toBe(ada.accountId);
  });

  it('takes nothing but a lower-case UUID', () => {
    for (const id of [
      '',
      'ada',
      ada.accountId.toUpperCase(),
      `${ada.accountId}0`,
      'ada@example.org',
    ]) {
      expect(() => accountStreamName(id)).toThrow(RangeError);
    }
  });

  it('is not that of another stream', () => {
    for (const name of [
      '',
      ada.accountId,
      `mail-${ada.accountId}`,
      `profile-${ada.accountId}`,
      'account-',
      `$ce-account`,
    ]) {
      expect(() => accountIdOfStream(name)).toThrow(RangeError);
    }
  });
});
