import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { lastValueFrom, of } from 'rxjs';
import { ConsistencyTokenInterceptor } from './consistency-token.interceptor.js';

async function answerTo(position: bigint | undefined) {
  const headers: Record<string, string> = {};
  const reply = { header: (name: string, value: string) => (headers[name] = value) };
  const execution = {
    switchToHttp: () => ({ getResponse: () => reply }),
  } as unknown as ExecutionContext;
  const result = { accountId: 'a-1', position };
  const handler = { handle: () => of(result) };
  const body = await lastValueFrom(new ConsistencyTokenInterceptor().intercept(execution, handler));
  return { headers, body };
}

describe('The consistency token', () => {
  it('is the position of the write, in a header instead of the body, exact at any size', async () => {
    expect(await answerTo(9_007_199_254_740_993n)).toEqual({
      headers: { 'Consistency-Token': '9007199254740993' },
      body: { accountId: 'a-1' },
    });
  });

  it('is left out when nothing was written', async () => {
    expect(await answerTo(undefined)).toEqual({ headers: {}, body: { accountId: 'a-1' } });
  });
});
