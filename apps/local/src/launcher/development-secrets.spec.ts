import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { SecretFiles } from './development-secrets.js';
import { developmentSecrets, secretEnvironment } from './development-secrets.js';

describe('development secrets', () => {
  let parent: string;
  let folder: string;
  let secrets: SecretFiles;

  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'development-secrets-'));
    folder = join(parent, 'secrets');
    secrets = developmentSecrets(folder);
  });
  afterAll(() => rmSync(parent, { recursive: true }));

  it('are one file each', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'activation-code-keys',
      'address-key',
      'admin-key',
      'email-api-key',
      'password-peppers',
      'personal-data-keys',
      'receipt-key',
    ]);
    expect(basename(secrets.ADDRESS_KEY_FILE)).toBe('address-key');
  });

  it('can be read by their owner only', () => {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));
  });

  it('hold keys of 32 bytes, named where they can be replaced', () => {
    const key = readFileSync(secrets.ADDRESS_KEY_FILE, 'utf8').trim();
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    const [name, value] = readFileSync(secrets.PASSWORD_PEPPERS_FILE, 'utf8').trim().split(':');
    expect(name).toBe('k1');
    expect(Buffer.from(value ?? '', 'base64')).toHaveLength(32);
  });

  it('that are empty are named, and none takes their place', () => {
    const path = join(parent, 'crashed', 'address-key');
    mkdirSync(dirname(path));
    writeFileSync(path, '\n');
    expect(() => developmentSecrets(dirname(path))).toThrow(
      `The secret in ${path} is empty: put it back from a copy, or remove ${parent}`,
    );
    expect(readFileSync(path, 'utf8')).toBe('\n');
  });

  it('stay the same from one start to the next', () => {
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(new Set(before).size).toBe(before.length);
    developmentSecrets(folder);
    expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(
      before,
    );
  });

  it('give way to what the environment sets', () => {
    const chosen = ['ADDRESS_KEY', 'EMAIL_API_KEY', 'PASSWORD_PEPPERS'] as const;
    const env = { ADDRESS_KEY: 'own', EMAIL_API_KEY_FILE: '/own', PASSWORD_PEPPERS: '' };
    expect(secretEnvironment(secrets, env, chosen)).toEqual({
      PASSWORD_PEPPERS_FILE: secrets.PASSWORD_PEPPERS_FILE,
    });
  });
});
