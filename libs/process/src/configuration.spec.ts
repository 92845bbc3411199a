import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { temporaryFolder } from '../../../test/support/run-folder.js';
import { ConfigurationError, loadConfiguration, setting } from './configuration.js';
import type { Environment } from './configuration.js';

const SECRET = 'the-secret-value';

const shape = {
  API_PORT: setting.port().default(8080),
  API_KEY: z.string().min(8, 'must have 8 characters at least'),
  STORE_URL: setting.url('http:', 'https:'),
};

const complete = { API_KEY: SECRET, STORE_URL: 'http://store' };

function fileWith(content: string): string {
  const path = join(temporaryFolder('settings'), 'value');
  writeFileSync(path, content);
  return path;
}

function faultsOf(env: Environment): readonly string[] {
  try {
    loadConfiguration(shape, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('Configuration', () => {
  it('is read from the environment, with defaults for what is left out', () => {
    expect(loadConfiguration(shape, complete)).toEqual({ ...complete, API_PORT: 8080 });
    expect(loadConfiguration(shape, { ...complete, API_PORT: '0' }).API_PORT).toBe(0);
  });

  it('ignores variables that are not defined as settings', () => {
    expect(loadConfiguration({}, { HOME: '/root' })).toEqual({});
  });

  it('takes an empty variable as not set', () => {
    const env = { ...complete, API_PORT: '', API_KEY_FILE: '', STORE_URL_FILE: '' };
    expect(loadConfiguration(shape, env)).toEqual({ ...complete, API_PORT: 8080 });
    expect(faultsOf({ ...complete, API_KEY: '' })).toEqual(['API_KEY is missing']);
  });

  it('names every fault in one message', () => {
    const env = { API_PORT: '70000', API_KEY_FILE: '/nowhere/key' };
    expect(faultsOf(env)).toEqual([
      'API_KEY cannot be read: the file named by API_KEY_FILE gives ENOENT',
      'API_PORT is not valid: must be from 0 to 65535',
      'STORE_URL is missing',
    ]);
    expect(() => loadConfiguration(shape, env)).toThrow(/^The configuration has 3 faults:\n {2}- /);
    expect(() => loadConfiguration(shape, { ...complete, API_PORT: 'x' })).toThrow(
      /^The configuration has a fault:\n {2}- API_PORT is not valid/,
    );
  });

  it('never quotes a value', () => {
    const wrongs = fc.string({ minLength: 6 }).map((text) => `Q7${text}`);
    fc.assert(
      fc.property(wrongs, (wrong) => {
        const env = { API_PORT: wrong, API_KEY: 'Q7', STORE_URL: wrong };
        expect(faultsOf(env)).toHaveLength(3);
        expect(faultsOf(env).join()).not.toContain('Q7');
      }),
    );
  });
});

describe('A setting from a file', () => {
  it.each([
    ['as it is', SECRET],
    ['without its last newline', `${SECRET}\n`],
    ['without its last CR LF', `${SECRET}\r\n`],
  ])('has the content %s', (_, content) => {
    const env = { STORE_URL: 'http://store', API_KEY_FILE: fileWith(content) };
    expect(loadConfiguration(shape, env).API_KEY).toBe(SECRET);
  });

  it('keeps every other character', () => {
    const content = ` ${SECRET}\n\n`;
    const env = { STORE_URL: 'http://store', API_KEY_FILE: fileWith(`${content}\n`) };
    expect(loadConfiguration(shape, env).API_KEY).toBe(content);
  });

  it('must not be set directly too', () => {
    const env = { ...complete, API_KEY_FILE: fileWith(SECRET) };
    expect(faultsOf(env)).toEqual(['API_KEY is set twice: remove either API_KEY or API_KEY_FILE']);
  });

  it('must not be empty, whatever the setting takes', () => {
    for (const content of ['', '\n']) {
      const env = { ...complete, API_KEY: undefined, API_KEY_FILE: fileWith(content) };
      expect(faultsOf(env)).toEqual([
        'API_KEY is empty: the file named by API_KEY_FILE has no content',
      ]);
      const anyText = { NOTE: z.string().optional() };
      expect(() => loadConfiguration(anyText, { NOTE_FILE: fileWith(content) })).toThrow(
        ConfigurationError,
      );
    }
  });

  it('must be readable: says what the system says, and names the setting but not the file', () => {
    const folder = temporaryFolder('settings');
    const env = { STORE_URL: 'http://store', API_KEY_FILE: folder };
    expect(faultsOf(env)).toEqual([
      'API_KEY cannot be read: the file named by API_KEY_FILE gives EISDIR',
    ]);
  });

  it('is checked as any other, once', () => {
    const env = { STORE_URL: 'http://store', API_KEY_FILE: fileWith('short') };
    expect(faultsOf(env)).toEqual(['API_KEY is not valid: must have 8 characters at least']);
  });
});

describe('A secret from a file', () => {
  const secrets = {
    API_KEY: setting.secret(z.string()).optional(),
    DERIVED: setting.secret(z.string().transform((text) => text.length)).default(0),
    STORE_URL: z.string().optional(),
  };
  const fileOf = (mode: number, content = SECRET) => {
    const path = fileWith(content);
    chmodSync(path, mode);
    return path;
  };
  const faults = (env: Environment) => {
    try {
      loadConfiguration(secrets, env);
      return [];
    } catch (error) {
      if (error instanceof ConfigurationError) return error.faults;
      throw error;
    }
  };

  it.each([0o600, 0o400, 0o700])('may have the mode %o', (mode) => {
    expect(faults({ API_KEY_FILE: fileOf(mode) })).toEqual([]);
  });

  it.each([
    [0o644, '0644'],
    [0o640, '0640'],
    [0o604, '0604'],
    [0o620, '0620'],
    [0o666, '0666'],
  ])('must not be open to others: %o', (mode, shown) => {
    expect(faults({ API_KEY_FILE: fileOf(mode), DERIVED_FILE: fileOf(mode) })).toEqual([
      `API_KEY is open to others: the file named by API_KEY_FILE has mode ${shown}; make it 0600 or 0400`,
      `DERIVED is open to others: the file named by DERIVED_FILE has mode ${shown}; make it 0600 or 0400`,
    ]);
  });

  it('is the only thing that must be closed', () => {
    expect(faults({ STORE_URL_FILE: fileOf(0o644) })).toEqual([]);
  });

  it('may be what a shell hands over', () => {
    expect(faults({ API_KEY_FILE: '/dev/null' })).toEqual([
      'API_KEY is empty: the file named by API_KEY_FILE has no content',
    ]);
  });
});

describe('The types of settings', () => {
  const read = (type: z.ZodType, value: string) =>
    loadConfiguration({ IT: type }, { IT: value })['IT'];
  const refused = (type: z.ZodType, value: string) => {
    expect(() => read(type, value)).toThrow(ConfigurationError);
  };

  it('integer: digits between two bounds, both included', () => {
    const type = setting.integer(5, 10);
    expect([read(type, '5'), read(type, '10'), read(type, '007')]).toEqual([5, 10, 7]);
    for (const value of ['4', '11', '-6', '6.5', '6e0', '0x6', ' 6', '6 ', 'six', '6\n']) {
      refused(type, value);
    }
    refused(setting.integer(0, 100), '9'.repeat(400));
  });

  it('port: 0 to 65535', () => {
    expect([read(setting.port(), '0'), read(setting.port(), '65535')]).toEqual([0, 65_535]);
    refused(setting.port(), '65536');
  });

  it('url: one of the given schemes', () => {
    const type = setting.url('esdb:', 'esdb+discover:');
    for (const value of [
      'esdb://127.0.0.1:2113?tls=false',
      'esdb+discover://cluster.example',
      'esdb://a:1,b:2,c:3?tls=true',
      'esdb://user:pass,word@a:1',
      'esdb://a,b',
    ]) {
      expect(read(type, value)).toBe(value);
    }
    for (const value of ['http://a', 'esdb', '//a', 'esdb+other://a', 'esdb://a:x,b:1'])
      refused(type, value);
    refused(setting.url('http:'), 'http://a:1,b:2');
  });

  it('flag: true or false', () => {
    expect([read(setting.flag(), 'true'), read(setting.flag(), 'false')]).toEqual([true, false]);
    for (const value of ['1', 'yes', 'TRUE']) refused(setting.flag(), value);
  });

  it('nodeEnv: one of three, development when left out', () => {
    const shapeOfIt = { IT: setting.nodeEnv() };
    expect(loadConfiguration(shapeOfIt, {}).IT).toBe('development');
    expect(loadConfiguration(shapeOfIt, { IT: 'production' }).IT).toBe('production');
    refused(setting.nodeEnv(), 'prod');
  });
});
