import { describe, expect, it } from '@jest/globals';
import {
  Problem,
  commonProblems,
  invalidRequest,
  problemDocument,
  problemType,
  retryAfterHeader,
  serviceUnavailable,
} from './problem.js';

const requestId = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';
const teapot = problemType('teapot', 418, 'This is a teapot', 'It brews tea only.');

describe('A problem document', () => {
  it('says what happened, to which request', () => {
    expect(problemDocument(new Problem(teapot, 'Ask for tea.'), requestId)).toEqual({
      type: '/problems/teapot',
      title: 'This is a teapot',
      status: 418,
      detail: 'Ask for tea.',
      instance: `urn:uuid:${requestId}`,
      requestId,
    });
  });

  it('has the members that its kind of problem adds', () => {
    const problem = new Problem(teapot, 'Ask for tea.', { members: { cupsLeft: 2 } });
    expect(problemDocument(problem, requestId)).toMatchObject({ status: 418, cupsLeft: 2 });
  });

  it('names each faulty field, in the detail too', () => {
    const errors = [
      { field: 'email', message: 'is empty' },
      { field: 'password', message: 'is short' },
    ];
    const document = problemDocument(invalidRequest(errors), requestId);
    expect(document).toMatchObject({
      type: '/problems/invalid-request',
      status: 400,
      detail: 'email: is empty; password: is short',
      errors,
    });
  });

  it('says nothing of the cause, which is kept for the log', () => {
    const cause = new Error('connection refused by 10.0.0.7');
    const problem = serviceUnavailable('Try again.', 1, cause);
    expect(problem.cause).toBe(cause);
    expect(JSON.stringify(problemDocument(problem, requestId))).not.toContain('10.0.0.7');
  });
});

describe('Retry-After', () => {
  it.each([
    [-5, '1'],
    [0, '1'],
    [0.001, '1'],
    [1, '1'],
    [1.000_1, '2'],
    [59.999, '60'],
    [86_400, '86400'],
  ])('of %p seconds is %s: whole, at least one, never too early', (seconds, header) => {
    expect(retryAfterHeader(seconds)).toBe(header);
    const problem = serviceUnavailable('', seconds);
    expect(problem.extras.headers).toEqual({ 'Retry-After': header });
    expect(problemDocument(problem, requestId)).toMatchObject({
      retryAfterSeconds: Number(header),
    });
  });
});

describe('The common problems', () => {
  it('have a slug, an error status, a title and an explanation, each its own slug', () => {
    const types = Object.values(commonProblems);
    for (const { slug, status, title, explanation } of types) {
      expect(slug).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).not.toBe('');
      expect(explanation).toMatch(/\.$/);
    }
    expect(new Set(types.map(({ slug }) => slug)).size).toBe(types.length);
  });
});
