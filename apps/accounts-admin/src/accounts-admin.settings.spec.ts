import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readAdminSettings, reportSettings } from './accounts-admin.settings.js';

const secret = () => randomBytes(32).toString('base64');

describe('A report of the settings', () => {
  it('reports which are set, and no value that could be secret', () => {
    const env = {
      EVENTSTORE_URL: 'esdb://admin:canary@events:2113',
      DATABASE_URL: 'postgres://accounts:canary@db/accounts',
      HOST: 'canary.internal',
      ADDRESS_KEY: secret(),
      ACTIVATION_CODE_KEYS: `canary:${secret()}`,
      PERSONAL_DATA_KEYS: `canary:${secret()}`,
      ADMIN_KEY: `canary-key.${'c'.repeat(43)}`,
      GUESSES_PER_CODE: '2',
    };
    const report = reportSettings(readAdminSettings(env), env);
    const text = JSON.stringify(report);
    for (const value of ['canary', ...Object.values(env).filter((given) => given !== '2')]) {
      expect(text).not.toContain(value);
    }
    expect(report).toContainEqual({ name: 'DATABASE_URL', isSet: true, value: null });
    expect(report).toContainEqual({ name: 'GUESSES_PER_CODE', isSet: true, value: 2 });
    expect(report).toContainEqual({ name: 'GUESSES_PER_DAY', isSet: false, value: 10 });
    expect(report).toContainEqual({ name: 'RECEIPT_KEY', isSet: false, value: null });
  });
});
