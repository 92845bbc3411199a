import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { InvalidKeyRing, KeyRing, keyRingSetting, UnknownKey } from './key-ring.js';
import { secretKeySetting } from './secret-key.js';

/** A key that repeats one byte, which identifies it. */
function key(byte: number, length = 32): string {
  return Buffer.alloc(length, byte).toString('base64');
}

function faultsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof InvalidKeyRing) return error.faults;
    throw error;
  }
  return [];
}

describe('A key ring', () => {
  it('has its first key for new things, and all for old ones', () => {
    const keys = KeyRing.parse(`k2:${key(2)}\nk1:${key(1)}`, 'CODE_KEYS');
    expect(keys.current).toEqual({ id: 'k2', key: Buffer.alloc(32, 2) });
    expect(keys.get('k2')).toEqual(Buffer.alloc(32, 2));
    expect(keys.get('k1')).toEqual(Buffer.alloc(32, 1));
    expect(['k1', 'k2', 'k3', 'K1', ''].filter((id) => keys.has(id))).toEqual(['k1', 'k2']);
  });

  it('is read from lines or commas, with blanks and empty entries around them', () => {
    for (const text of [
      `a:${key(1)},b:${key(2)}`,
      `a:${key(1)}\r\nb:${key(2)}\r\n`,
      `\n a:${key(1)} ,\n\n b:${key(2)},`,
    ]) {
      const keys = KeyRing.parse(text, 'CODE_KEYS');
      expect(keys.current.id).toBe('a');
      expect(keys.get('b')).toEqual(Buffer.alloc(32, 2));
    }
  });

  it('says which key it does not hold', () => {
    const keys = KeyRing.parse(`k1:${key(1)}`, 'CODE_KEYS');
    for (const id of ['k0', '', 'constructor', '__proto__']) {
      expect(() => keys.get(id)).toThrow(new UnknownKey('CODE_KEYS', id));
    }
    expect(() => keys.get('k0')).toThrow('CODE_KEYS holds no key called k0');
  });

  it('takes keys of 32 bytes or more', () => {
    expect(faultsOf(() => KeyRing.parse(`k1:${key(1, 31)}`, 'CODE_KEYS'))).toEqual([
      'entry 1 is not base64 of 32 bytes or more after its id',
    ]);
    expect(KeyRing.parse(`k1:${key(1, 64)}`, 'CODE_KEYS').current.key).toHaveLength(64);
  });

  it('names every faulty entry by its place', () => {
    const text = [
      `good:${key(1)}`,
      `UPPER:${key(2)}`,
      key(3),
      `:${key(4)}`,
      `seventeen-letters:${key(5)}`,
      `short:${key(6, 16)}`,
      'not-base64:!!!!',
      `urlsafe:${'_'.repeat(43)}=`,
      `good:${key(7)}`,
    ].join('\n');
    const noId = 'does not begin with an id of 1 to 16 of a-z, 0-9, - and a colon';
    const noKey = 'is not base64 of 32 bytes or more after its id';
    expect(faultsOf(() => KeyRing.parse(text, 'CODE_KEYS'))).toEqual([
      `entry 2 ${noId}`,
      `entry 3 ${noId}`,
      `entry 4 ${noId}`,
      `entry 5 ${noId}`,
      `entry 6 ${noKey}`,
      `entry 7 ${noKey}`,
      `entry 8 ${noKey}`,
      'entry 9 has the id of an earlier entry',
    ]);
  });

  it('is not empty', () => {
    for (const text of ['', '\n', ' , ,\n']) {
      expect(faultsOf(() => KeyRing.parse(text, 'CODE_KEYS'))).toEqual([
        'must have one key at least',
      ]);
    }
  });

  it('names the setting and no value', () => {
    const secret = key(9, 31);
    for (const text of [`k1:${secret}`, secret, `K1:${secret}`]) {
      const read = () => KeyRing.parse(text, 'CODE_KEYS');
      expect(read).toThrow(/^CODE_KEYS is not valid: entry 1 /);
      expect(read).not.toThrow(secret);
    }
  });

  it('shows no key when it is logged by mistake', () => {
    const secret = Buffer.alloc(32, 0xab);
    const keys = KeyRing.parse(`k1:${secret.toString('base64')}`, 'CODE_KEYS');
    const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys);
    expect(shown).not.toMatch(/ab ab|abab|q6ur|171/);
  });
});

describe('A secret key', () => {
  it('is base64 of 32 bytes or more', () => {
    expect(secretKeySetting().parse(key(1))).toEqual(Buffer.alloc(32, 1));
    for (const text of ['', 'secret', key(1, 31), key(1).replace('=', ''), `${key(1)}\n`]) {
      expect(secretKeySetting().safeParse(text).error?.issues).toMatchObject([
        { code: 'custom', message: 'must be base64 of 32 bytes or more' },
      ]);
    }
  });
});

describe('As settings', () => {
  it('both are known to be secrets', () => {
    for (const setting of [keyRingSetting('CODE_KEYS'), secretKeySetting()]) {
      expect(setting.meta()).toEqual({ secret: true });
    }
  });

  const settings = z.object({
    CODE_KEYS: keyRingSetting('CODE_KEYS'),
    ADDRESS_KEY: secretKeySetting(),
  });

  it('both are parsed', () => {
    const { CODE_KEYS, ADDRESS_KEY } = settings.parse({
      CODE_KEYS: `k1:${key(1)}`,
      ADDRESS_KEY: key(2),
    });
    expect(CODE_KEYS.current.id).toBe('k1');
    expect(ADDRESS_KEY).toEqual(Buffer.alloc(32, 2));
  });

  it('both name their faults, never their values', () => {
    const secret = key(9, 31);
    const result = settings.safeParse({ CODE_KEYS: `${secret},k1:${secret}`, ADDRESS_KEY: secret });
    expect(result.error?.issues.map(({ path, message }) => [path[0], message])).toEqual([
      [
        'CODE_KEYS',
        'entry 1 does not begin with an id of 1 to 16 of a-z, 0-9, - and a colon; entry 2 is not base64 of 32 bytes or more after its id',
      ],
      ['ADDRESS_KEY', 'must be base64 of 32 bytes or more'],
    ]);
    expect(JSON.stringify(result.error)).not.toContain(secret);
  });

  it('both must be given', () => {
    expect(settings.safeParse({}).error?.issues.map(({ path }) => path[0])).toEqual([
      'CODE_KEYS',
      'ADDRESS_KEY',
    ]);
  });
});
