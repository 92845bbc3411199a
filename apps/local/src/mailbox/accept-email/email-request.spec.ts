import { describe, expect, it } from '@jest/globals';
import { parseEmailRequest } from './email-request.js';

const request = {
  from: 'Accounts <no-reply@example.org>',
  to: ['ada@example.org'],
  subject: 'Your code',
  text: 'Your code is 0421.',
  html: '<p>Your code is 0421.</p>',
};

describe('parseEmailRequest', () => {
  it('takes a whole request', () => {
    expect(parseEmailRequest(request)).toEqual(request);
  });

  it('takes one recipient outside a list, either body alone, and fields it has no use for', () => {
    const sent = { ...request, to: 'ada@example.org', html: undefined, tags: [{ name: 'x' }] };
    const taken = parseEmailRequest(sent);
    expect(taken).toEqual({ ...request, html: null });
  });

  it.each(['bücher@example.org', 'ada@bücher.example', "o'hara+tag@example.org"])(
    'takes the address %s',
    (to) => {
      expect(parseEmailRequest({ ...request, to: [to] }).to).toEqual([to]);
    },
  );

  it.each([
    ['from', 'missing_required_field'],
    ['to', 'missing_required_field'],
    ['subject', 'missing_required_field'],
  ])('refuses a request without %s', (field, errorName) => {
    const error = refusalOf({ ...request, [field]: undefined });
    expect(error).toMatchObject({ status: 422, errorName });
    expect(error.message).toContain(`\`${field}\``);
  });

  it('refuses a request without a body text of either kind', () => {
    const error = refusalOf({ ...request, text: undefined, html: null });
    expect(error).toMatchObject({ status: 422, errorName: 'missing_required_field' });
  });

  it.each([
    [{ from: 'nobody' }, 'invalid_from_address', 'from'],
    [{ from: 'a@b.example\r\nBcc: x@y.example' }, 'invalid_from_address', 'from'],
    [{ to: [] }, 'validation_error', 'to'],
    [{ to: ['nobody'] }, 'validation_error', 'to'],
    [{ to: ['a@b@c'] }, 'validation_error', 'to'],
    [{ to: ['a@b.example\r\nBcc: x@y.example'] }, 'validation_error', 'to'],
    [{ to: ['a@b.example, c@d.example'] }, 'validation_error', 'to'],
    [{ to: Array(51).fill('ada@example.org') }, 'validation_error', 'to'],
    [{ to: 7 }, 'validation_error', 'to'],
    [{ subject: 'a\nb' }, 'validation_error', 'subject'],
    [{ subject: 'x'.repeat(999) }, 'validation_error', 'subject'],
    [{ text: 5 }, 'validation_error', 'text'],
    [{ text: 'x'.repeat(100_001) }, 'validation_error', 'text'],
    [{ html: 'x'.repeat(200_001) }, 'validation_error', 'html'],
  ])('refuses %j', (fault, errorName, field) => {
    const error = refusalOf({ ...request, ...fault });
    expect(error).toMatchObject({ status: 422, errorName });
    expect(error.message).toMatch(new RegExp(`^The \`${field}\` field must `));
    expect(error.message).not.toContain('example');
  });

  it.each([null, undefined, [], 'text', 7])('refuses the body %j', (body) => {
    expect(refusalOf(body)).toMatchObject({ status: 422 });
  });
});

function refusalOf(body: unknown): Error {
  try {
    parseEmailRequest(body);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the request was taken');
}
