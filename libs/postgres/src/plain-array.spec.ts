import { describe, expect, it } from '@jest/globals';
import { plainArray } from './plain-array.js';

describe('an array as PostgreSQL reads it', () => {
  it('has numbers, words, instants and nothing', () => {
    expect(plainArray([])).toBe('{}');
    expect(plainArray([1, 2n, null, 'pending', new Date(Date.UTC(2026, 10, 22, 12))])).toBe(
      '{1,2,NULL,pending,2026-11-22T12:00:00.000Z}',
    );
  });

  it.each(['two words', 'a"b', 'a}', '{', 'a\\b', "it's", 'ü'])('refuses %j', (text) => {
    expect(() => plainArray(['a', text])).toThrow(RangeError);
  });
});
