import { describe, expect, it } from '@jest/globals';
import { defaultPasswordPolicy } from '@app/accounts';
import type { GuessablePasswords, PasswordPolicy } from '@app/accounts';
import { Problem } from '@app/http-service';
import { Domains } from '../who-may-register/domains.js';
import { RegistrationGate } from '../who-may-register/registration-gate.js';
import { assertAcceptable } from './registration-request.js';

const guessable: GuessablePasswords = {
  isCommon: (lowerCasePassword) => lowerCasePassword === 'password123',
  isDecorated: () => false,
};

function faultsOf(
  email: string,
  password: string,
  policy: PasswordPolicy = defaultPasswordPolicy,
  registration: Domains | 'open' = 'open',
): readonly { field: string; message: string }[] {
  try {
    const gate = new RegistrationGate({ registration });
    assertAcceptable({ email, password }, policy, guessable, gate);
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.extras.members?.['errors'] as { field: string; message: string }[];
  }
}

describe('A registration request', () => {
  it('is acceptable with an address and a good password', () => {
    expect(faultsOf('ada@example.org', 'correct horse')).toEqual([]);
  });

  it('gets all its faults at once', () => {
    const policy = { ...defaultPasswordPolicy, minLength: 12, requireDigit: true };
    const faults = faultsOf('ada', 'short', policy);
    expect(faults.map(({ field }) => field)).toEqual(['email', 'password', 'password']);
    expect(faults.map(({ message }) => message).join()).toMatch(/@.*12 characters.*digit/);
  });

  it('gets the refusal of its domain together with the faults of its password', () => {
    const ours = new Domains(['example.com']);
    const faultsAt = (email: string, password: string) =>
      faultsOf(email, password, defaultPasswordPolicy, ours).map(({ field }) => field);
    expect(faultsAt('ada@example.org', 'short')).toEqual(['email', 'password']);
    expect(faultsAt('ada@example.org', 'correct horse')).toEqual(['email']);
    expect(faultsAt('ada', 'short')).toEqual(['email', 'password']);
    expect(faultsAt('ada@example.com', 'correct horse')).toEqual([]);
  });

  it('never gets its own values back', () => {
    const faults = faultsOf('canary@@example.org', 'password123');
    expect(faults).toHaveLength(2);
    expect(JSON.stringify(faults)).not.toMatch(/canary|password123/);
  });

  it('must not be asked to keep a policy that makes no sense', () => {
    const policy = { ...defaultPasswordPolicy, minLength: 20, maxLength: 10 };
    expect(() => faultsOf('ada@example.org', 'correct horse', policy)).toThrow(RangeError);
  });
});
