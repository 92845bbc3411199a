import { describe, expect, it } from '@jest/globals';
import { callerRequestIdOf } from './request-id.js';

describe('What a caller calls its request', () => {
  it.each([
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '018f3f5e-7c00-7000-8000-000000000000',
    '00000000-0000-0000-0000-000000000000',
  ])('is its UUID %s', (given) => {
    expect(callerRequestIdOf({ 'x-request-id': given })).toBe(given);
  });

  it('is its UUID in lower case', () => {
    const given = '5F0C6F0E-1B7A-4C55-9A53-0D8A7F3A2B10';
    expect(callerRequestIdOf({ 'x-request-id': given })).toBe(given.toLowerCase());
  });

  it.each([
    undefined,
    '',
    'abc',
    '5f0c6f0e1b7a4c559a530d8a7f3a2b10',
    '{5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10}',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10\n',
    ' 5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b1g',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10, 5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '" onmouseover="alert(1)',
  ])('is not kept when it is %p', (given) => {
    expect(callerRequestIdOf({ 'x-request-id': given })).toBeUndefined();
  });
});
