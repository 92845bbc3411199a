import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { activationPolicyOf, defaultActivationPolicy } from '@app/accounts';
import { readWorkerSettings } from './accounts-worker.settings.js';

const key = () => randomBytes(32).toString('base64');
const needed = {
  EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
  DATABASE_URL: 'postgres://127.0.0.1/accounts',
  ACTIVATION_CODE_KEYS: `k1:${key()}`,
  PERSONAL_DATA_KEYS: `k1:${key()}`,
  EMAIL_API_URL: 'https://api.provider.example',
  EMAIL_API_KEY: 're_1',
};

describe('The settings of the worker', () => {
  it('stand for the default policy and one provider when no more is set than has to be', () => {
    const settings = readWorkerSettings(needed);
    expect(activationPolicyOf(settings)).toEqual(defaultActivationPolicy);
    expect(settings).not.toHaveProperty('EMAIL_API_FAILOVER_URL');
    expect(settings).toMatchObject({
      EMAIL_TIMEOUT_MS: 3_000,
      EMAIL_CONCURRENCY: 16,
      EMAIL_DOUBT_MS: 10_000,
      EMAIL_BREAKER_FAILURES: 5,
      EMAIL_BREAKER_PAUSE_MS: 1_000,
      EMAIL_BREAKER_LONGEST_PAUSE_MS: 15_000,
    });
  });

  it('change the policy as they do in the API', () => {
    const settings = readWorkerSettings({ ...needed, GUESSES_PER_CODE: '5', CODES_PER_HOUR: '2' });
    expect(activationPolicyOf(settings)).toEqual({
      ...defaultActivationPolicy,
      guessesPerCode: 5,
      codesPerHour: 2,
    });
  });

  it.each([
    ['GUESSES_PER_CODE', '0'],
    ['GUESSES_PER_CODE', '11'],
    ['GUESSES_PER_DAY', '-1'],
    ['CODE_RESEND_SECONDS', '1.5'],
    ['CODES_PER_DAY', 'many'],
    ['EMAIL_DELIVERY_WINDOW_SECONDS', '86401'],
    ['EMAIL_API_URL', 'ftp://provider.example'],
    ['EMAIL_BREAKER_FAILURES', '0'],
  ])('refuse %s=%s, by name', (name, value) => {
    expect(() => readWorkerSettings({ ...needed, [name]: value })).toThrow(name);
  });

  it('name a second provider as a whole or not at all', () => {
    const both = {
      EMAIL_API_FAILOVER_URL: 'https://api.second.example',
      EMAIL_API_FAILOVER_KEY: 'key-2',
    };
    expect(readWorkerSettings({ ...needed, ...both })).toMatchObject(both);
    for (const [name, value] of Object.entries(both)) {
      expect(() => readWorkerSettings({ ...needed, [name]: value })).toThrow(/set both or none/);
    }
  });
});
