import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@app/process';
import type { Environment } from '@app/process';
import { readApiSettings } from './accounts-api.settings.js';

const key = () => randomBytes(32).toString('base64');

const complete: Environment = {
  EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
  DATABASE_URL: 'postgres://127.0.0.1/accounts',
  ADDRESS_KEY: key(),
  ACTIVATION_CODE_KEYS: `k1:${key()}`,
  PASSWORD_PEPPERS: `k2:${key()},k1:${key()}`,
  PERSONAL_DATA_KEYS: `k1:${key()}`,
};

function faultsOf(env: Environment): readonly string[] {
  try {
    readApiSettings(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('The settings of the API', () => {
  it('need what has no safe default, and name all of it at once', () => {
    expect(faultsOf({}).toSorted()).toEqual(
      Object.keys(complete)
        .map((name) => `${name} is missing`)
        .toSorted(),
    );
    for (const name of Object.keys(complete)) {
      expect(faultsOf({ ...complete, [name]: '' })).toEqual([`${name} is missing`]);
    }
  });

  it('are careful by default', () => {
    expect(readApiSettings(complete)).toMatchObject({
      HOST: '127.0.0.1',
      API_PORT: 8080,
      BCRYPT_COST: 12,
      PASSWORD_MIN_LENGTH: 8,
      PASSWORD_MAX_LENGTH: 128,
      PASSWORD_REQUIRE_DIGIT: false,
      ACTIVATION_CODE_TTL_SECONDS: 60,
    });
  });

  it('take the first of several peppers for new passwords', () => {
    const { PASSWORD_PEPPERS: peppers } = readApiSettings(complete);
    expect(peppers.current.id).toBe('k2');
    expect(peppers.get('k1')).toHaveLength(32);
  });

  it('refuse a bcrypt cost below 10 in production only', () => {
    for (const NODE_ENV of ['development', 'test', undefined]) {
      expect(readApiSettings({ ...complete, NODE_ENV, BCRYPT_COST: '4' }).BCRYPT_COST).toBe(4);
    }
    const production = { ...complete, NODE_ENV: 'production' };
    expect(readApiSettings({ ...production, BCRYPT_COST: '10' }).BCRYPT_COST).toBe(10);
    expect(faultsOf({ ...production, BCRYPT_COST: '9' })).toEqual([
      'BCRYPT_COST is not valid: must be from 10 to 15',
    ]);
    expect(faultsOf({ ...complete, BCRYPT_COST: '3' })).toHaveLength(1);
    expect(faultsOf({ ...complete, BCRYPT_COST: '16' })).toHaveLength(1);
  });

  it.each([
    ['EVENTSTORE_URL', 'http://127.0.0.1:2113'],
    ['DATABASE_URL', 'mysql://127.0.0.1/accounts'],
    ['ADDRESS_KEY', randomBytes(31).toString('base64')],
    ['ADDRESS_KEY', 'a key in plain words that is long enough'],
    ['ACTIVATION_CODE_KEYS', key()],
    ['PASSWORD_PEPPERS', `k1:${key()},k1:${key()}`],
    ['PERSONAL_DATA_KEYS', 'k1:'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['PASSWORD_REQUIRE_DIGIT', 'yes'],
    ['ACTIVATION_CODE_TTL_SECONDS', '0'],
    ['SERVICE_NAME', 'x'.repeat(65)],
    ['NODE_ENV', 'staging'],
  ])('refuse %s=%p without quoting it', (name, value) => {
    const faults = faultsOf({ ...complete, [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name} is not valid: `));
    expect(faults[0]).not.toContain(`: ${value}`);
  });

  it('refuse lengths of a password that no password can have', () => {
    const env = { ...complete, PASSWORD_MIN_LENGTH: '20', PASSWORD_MAX_LENGTH: '19' };
    expect(faultsOf(env)).toEqual([
      'PASSWORD_MAX_LENGTH is not valid: must not be less than PASSWORD_MIN_LENGTH',
    ]);
    expect(readApiSettings({ ...env, PASSWORD_MAX_LENGTH: '20' }).PASSWORD_MIN_LENGTH).toBe(20);
  });
});
