import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { answerOf } from './answer-of.js';

describe('An answer', () => {
  it('has what its schema names, and nothing else: ISO 8601, positions as text, null for undefined', () => {
    const schema = z.object({
      at: z.iso.datetime(),
      position: z.string(),
      endedAt: z.iso.datetime().nullable(),
      tries: z.int(),
    });
    const source = { at: new Date(0), position: 10n ** 17n, endedAt: undefined, tries: 0 };
    const withSecret = { ...source, passwordHash: 'secret' };
    expect(answerOf(schema, withSecret)).toStrictEqual({
      at: '1970-01-01T00:00:00.000Z',
      position: '100000000000000000',
      endedAt: null,
      tries: 0,
    });
  });
});
