import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { lastValueFrom, of } from 'rxjs';
import { ConsistencyTokenInterceptor } from './consistency-token.interceptor.js';
import { ConsistencyTokens } from './consistency-tokens.js';
import type { WrittenEvent } from './written-event.js';

const tokens = new ConsistencyTokens(randomBytes(32));

async function answerTo(written: WrittenEvent | undefined) {
  const headers: Record<string, string> = {};
  const reply = { header: (name: string, value: string) => (headers[name] = value) };
  const execution = {
    switchToHttp: () => ({ getResponse: () => reply }),
  } as unknown as ExecutionContext;
  const handler = { handle: () => of({ accountId: 'a-1', written }) };
  const interceptor = new ConsistencyTokenInterceptor(tokens);
  const body = await lastValueFrom(interceptor.intercept(execution, handler));
  return { headers, body };
}

describe('The answer to a write', () => {
  it.each([
    ['an event', { accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b', revision: 2n, position: 7n }],
    ['nothing', undefined],
  ])('has a token in a header instead of the body, for %s', async (_, written) => {
    const { headers, body } = await answerTo(written);
    expect(body).toEqual({ accountId: 'a-1' });
    expect(Object.keys(headers)).toEqual(['Consistency-Token']);
    expect(tokens.open(headers['Consistency-Token'] ?? '')).toEqual(written);
  });
});
