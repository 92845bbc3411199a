import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { readLauncherSettings } from './launcher-settings.js';

describe('launcher settings', () => {
  it('need nothing to be set', () => {
    expect(readLauncherSettings({})).toEqual({
      host: '127.0.0.1',
      ports: {
        api: 8080,
        admin: 8090,
        mailbox: 8025,
        signUp: 8060,
        eventstore: 2113,
        postgres: 5433,
      },
      own: {},
      dataDir: resolve('.data'),
      verbose: false,
    });
  });

  it('refuse one port for two listeners, naming both', () => {
    expect(() => readLauncherSettings({ API_PORT: '9000', MAILBOX_PORT: '9000' })).toThrow(
      'MAILBOX_PORT is the same port as API_PORT: 9000',
    );
  });

  it('take parts of the caller in place of the embedded ones', () => {
    const env = {
      EVENTSTORE_URL: 'esdb://127.0.0.1:2113?tls=false',
      DATABASE_URL: 'postgres://me:secret@one:5432,two:5432/mine',
      EMAIL_API_URL: 'https://api.provider.example',
      EMAIL_API_KEY: 're_1',
    };
    expect(readLauncherSettings(env).own).toEqual({
      eventstore: env.EVENTSTORE_URL,
      database: env.DATABASE_URL,
      mailbox: env.EMAIL_API_URL,
    });
    expect(readLauncherSettings({ DATABASE_URL: env.DATABASE_URL }).own).toEqual({
      database: env.DATABASE_URL,
    });
  });

  it('send no key that was made here to a provider of the caller', () => {
    expect(() => readLauncherSettings({ EMAIL_API_URL: 'https://api.provider.example' })).toThrow(
      'EMAIL_API_KEY is missing',
    );
  });

  it("take a captcha's script and key together, as they can stand in a page", () => {
    const env = {
      CAPTCHA_SCRIPT_URL: 'https://captcha.example/a.js?"',
      CAPTCHA_SITE_KEY: '0x-A_1',
    };
    expect(readLauncherSettings(env).captcha).toEqual({
      scriptUrl: 'https://captcha.example/a.js?%22',
      siteKey: '0x-A_1',
    });
    const { CAPTCHA_SCRIPT_URL } = env;
    expect(() => readLauncherSettings({ CAPTCHA_SCRIPT_URL })).toThrow('set both, or neither');
    expect(() => readLauncherSettings({ ...env, CAPTCHA_SITE_KEY: '"><b>' })).toThrow(
      'CAPTCHA_SITE_KEY is not valid',
    );
  });

  it('take any free port for as many as want one', () => {
    const { ports } = readLauncherSettings({ API_PORT: '0', MAILBOX_PORT: '0' });
    expect(ports).toMatchObject({ api: 0, mailbox: 0 });
  });

  it('name every fault at once', () => {
    expect(() => readLauncherSettings({ API_PORT: 'http', POSTGRES_PORT: '99999' })).toThrow(
      /API_PORT[^]*POSTGRES_PORT/,
    );
  });
});
