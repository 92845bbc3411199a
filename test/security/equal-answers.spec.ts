import { describe, expect, it } from '@jest/globals';
import { comparable, smallestStep } from './equal-answers.js';

const bytes = (position: bigint, order: 'BE' | 'LE') => {
  const content = Buffer.alloc(20, 7);
  if (order === 'BE') content.writeBigUInt64BE(position, 5);
  else content.writeBigUInt64LE(position, 5);
  return content;
};

describe('The step between two values', () => {
  it.each([
    ['decimal', '104729', '106302'],
    [
      'base64url',
      bytes(104_729n, 'BE').toString('base64url'),
      bytes(106_302n, 'BE').toString('base64url'),
    ],
    [
      'little-endian',
      bytes(104_729n, 'LE').toString('base64url'),
      bytes(106_302n, 'LE').toString('base64url'),
    ],
    ['hexadecimal', bytes(104_729n, 'BE').toString('hex'), bytes(106_302n, 'BE').toString('hex')],
  ])('is found when a number stands in them, and in either direction: %s', (_, before, after) => {
    const found = smallestStep(before, after);
    expect(found === undefined ? found : found <= 1_573n).toBe(true);
    expect(smallestStep(after, before)).toBe(found);
  });

  it('is undefined where no number can be read', () => {
    expect(smallestStep('', '1')).toBeUndefined();
  });
});

it('Headers are compared by value, but for those that may differ', () => {
  expect(comparable(['ETag', '"1"'])).toEqual(['ETag', '"1"']);
  expect(comparable(['Date', 'Sun'])).toEqual(['Date', 3]);
});
