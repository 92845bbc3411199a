import { describe, expect, it } from '@jest/globals';
import { parseLogPosition } from './event-store.js';

describe('A position of the log, as text', () => {
  it.each([
    ['0', 0n],
    ['9223372036854775807', 2n ** 63n - 1n],
  ])('is %s', (text, position) => {
    expect(parseLogPosition(text)).toBe(position);
  });

  it.each([
    '',
    '-1',
    '+1',
    '1.5',
    '0x1',
    ' 1',
    'end',
    '9223372036854775808',
    String(2n ** 64n - 1n),
  ])('is not %j', (text) => expect(parseLogPosition(text)).toBeUndefined());
});
