import { describe, expect, it } from '@jest/globals';
import { requestIdOf } from './request-id.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('The id of a request', () => {
  it.each([
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '018f3f5e-7c00-7000-8000-000000000000',
    '00000000-0000-0000-0000-000000000000',
  ])('is the caller’s UUID %s', (given) => {
    expect(requestIdOf({ 'x-request-id': given })).toBe(given);
  });

  it('is the caller’s UUID in lower case', () => {
    const given = '5F0C6F0E-1B7A-4C55-9A53-0D8A7F3A2B10';
    expect(requestIdOf({ 'x-request-id': given })).toBe(given.toLowerCase());
  });

  it.each([
    '',
    'abc',
    '5f0c6f0e1b7a4c559a530d8a7f3a2b10',
    '{5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10}',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10\n',
    ' 5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b1g',
    '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10, 5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
    '" onmouseover="alert(1)',
  ])('is a new one instead of %p', (given) => {
    const id = requestIdOf({ 'x-request-id': given });
    expect(id).toMatch(UUID);
    expect(id).not.toBe(given);
  });

  it('is another one for each request that brings none', () => {
    const ids = Array.from({ length: 100 }, () => requestIdOf({}));
    expect(new Set(ids).size).toBe(100);
  });
});
