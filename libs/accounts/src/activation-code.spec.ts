import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  activationCodeMessage,
  formOf,
  isSameCode,
  longCodeOf,
  readActivationCode,
  truncateToCode,
} from './activation-code.js';

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

describe('The message of an issue', () => {
  it('is the issue number in 8 bytes, then the nonce', () => {
    const nonce = '00112233445566778899aabbccddeeff';
    expect(activationCodeMessage(1, nonce)).toEqual(bytes(`0000000000000001${nonce}`));
    expect(activationCodeMessage(0x01_0203_0405, nonce)).toEqual(bytes(`0000000102030405${nonce}`));
    expect(activationCodeMessage(Number.MAX_SAFE_INTEGER, nonce)).toEqual(
      bytes(`001fffffffffffff${nonce}`),
    );
  });

  it('takes no other number and no other nonce', () => {
    const nonce = 'f'.repeat(32);
    for (const issueNumber of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => activationCodeMessage(issueNumber, nonce)).toThrow(RangeError);
    }
    for (const other of ['', 'f'.repeat(31), 'f'.repeat(33), 'F'.repeat(32), 'g'.repeat(32)]) {
      expect(() => activationCodeMessage(1, other)).toThrow(RangeError);
    }
  });
});

describe('Truncation', () => {
  // RFC 4226, appendix D: HMAC-SHA-1 of the counters 0 to 9 under "12345678901234567890".
  const published: [mac: string, truncated: number, code: string][] = [
    ['cc93cf18508d94934c64b65d8ba7667fb7cde4b0', 1284755224, '755224'],
    ['75a48a19d4cbe100644e8ac1397eea747a2d33ab', 1094287082, '287082'],
    ['0bacb7fa082fef30782211938bc1c5e70416ff44', 137359152, '359152'],
    ['66c28227d03a2d5529262ff016a1e6ef76557ece', 1726969429, '969429'],
    ['a904c900a64b35909874b33e61c5938a8e15ed1c', 1640338314, '338314'],
    ['a37e783d7b7233c083d4f62926c7a25f238d0316', 868254676, '254676'],
    ['bc9cd28561042c83f219324d3c607256c03272ae', 1918287922, '287922'],
    ['a4fb960c0bc06e1eabb804e5b397cdc4b45596fa', 82162583, '162583'],
    ['1b3c89f65e6c9e883012052823443f048b4332db', 673399871, '399871'],
    ['1637409809a679dc698207310c8c7fc07290d9e5', 645520489, '520489'],
  ];
  for (const [mac, truncated, code] of published) {
    it(`of ${mac} gives ${code}`, () => {
      expect(truncateToCode(bytes(mac), 6)).toBe(code);
      expect(truncateToCode(bytes(mac))).toBe(code.slice(-4));
      expect(truncateToCode(bytes(mac), 9)).toBe(String(truncated).padStart(10, '0').slice(-9));
    });
  }

  it('keeps leading zeros', () => {
    expect(truncateToCode(new Uint8Array(20))).toBe('0000');
    const mac = new Uint8Array(32);
    mac[3] = 42;
    expect(truncateToCode(mac)).toBe('0042');
  });

  it('drops the sign bit', () => {
    const mac = new Uint8Array(32);
    mac[0] = 0x80;
    mac[3] = 7;
    expect(truncateToCode(mac, 9)).toBe('000000007');
  });

  it('reads the place from the last byte, whatever the length, also within a larger buffer', () => {
    const mac = bytes(`${'00'.repeat(15)}00000539${'00'.repeat(12)}0f`);
    expect(truncateToCode(mac)).toBe('1337');
    const larger = new Uint8Array(64).fill(0xff);
    larger.set(mac, 8);
    expect(truncateToCode(larger.subarray(8, 40))).toBe('1337');
  });

  it('takes no shorter code and no other number of digits', () => {
    expect(() => truncateToCode(new Uint8Array(19))).toThrow(RangeError);
    for (const digits of [0, 10, 4.5, Number.NaN]) {
      expect(() => truncateToCode(new Uint8Array(32), digits)).toThrow(RangeError);
    }
  });

  it('always gives a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 64 }), (mac) => {
        expect(readActivationCode(truncateToCode(mac))).toBe(truncateToCode(mac));
        expect(readActivationCode(longCodeOf(mac))).toBe(longCodeOf(mac));
      }),
    );
  });
});

describe('A code that somebody typed', () => {
  it('is four ASCII digits, leading zeros included', () => {
    for (const text of ['0000', '0042', '9999']) {
      expect(readActivationCode(text)).toBe(text);
      expect(formOf(text)).toBe('short');
    }
  });

  it.each([
    '0042\n',
    ' 0042 ',
    '00 42',
    '00-42',
    '0 0 4 2',
    '００４２',
    '\t00–42\r\n',
    '0\u00a0042',
  ])('is understood as %j', (text) => {
    expect(readActivationCode(text)).toBe('0042');
  });

  it.each([
    '7K3M-0QTZ-9HXW',
    '7k3m0qtz9hxw',
    '7k3m oqtz 9hxw',
    '7K3M-OQTZ-9HXW',
    ' 7K3M 0QTZ-9HXW ',
    '７K3M-0QTZ‑9HXW\n',
    '７ｋ３ｍ０ｑｔｚ９ｈｘｗ',
  ])('or a long one, as in %j', (text) => {
    expect(readActivationCode(text)).toBe('7K3M-0QTZ-9HXW');
    expect(formOf('7K3M-0QTZ-9HXW')).toBe('long');
  });

  it('has 1 in place of I and L', () => {
    expect(readActivationCode('iIlL-1111-0oO0')).toBe('1111-1111-0000');
  });

  it.each([
    '',
    '042',
    '00042',
    ' 042',
    '042\n',
    '0x42',
    '+042',
    '٠٠٤٢',
    '1e03',
    '7K3M-0QTZ-9HX',
    '7K3M-0QTZ-9HXWW',
    '7K3M-0QTZ-9HXU',
    '7K3M_0QTZ_9HXW',
    '④②④②',
    '7ſ3M-0QTZ-9HXW',
    `7K3M${' '.repeat(40)}0QTZ9HXW`,
  ])('is not %j', (text) => {
    expect(readActivationCode(text)).toBeUndefined();
  });
});

describe('A long code', () => {
  it('is the first 60 bits, five for each letter, the highest first', () => {
    expect(longCodeOf(bytes('0000000000000000'))).toBe('0000-0000-0000');
    expect(longCodeOf(bytes('fffffffffffffff0'))).toBe('ZZZZ-ZZZZ-ZZZZ');
    expect(longCodeOf(bytes('00443214c74254b6'))).toBe('0123-4567-89AB');
    expect(longCodeOf(bytes('635cf84653a56d7c'))).toBe('CDEF-GHJK-MNPQ');
    expect(longCodeOf(bytes('c675be77df000000'))).toBe('RSTV-WXYZ-0000');
  });

  it('is read within a larger buffer, too', () => {
    const larger = new Uint8Array(64).fill(0xff);
    larger.set(bytes('00443214c74254b6'), 8);
    expect(longCodeOf(larger.subarray(8, 40))).toBe('0123-4567-89AB');
  });
});

describe('Two codes', () => {
  it('are the same when every character is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(isSameCode(one, one)).toBe(true);
        expect(isSameCode(one, other)).toBe(one === other);
        expect(isSameCode(`${one}0`, one)).toBe(false);
        expect(isSameCode(one, `${one}\0`)).toBe(false);
      }),
    );
  });
});
