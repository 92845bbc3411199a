import { describe, expect, it } from '@jest/globals';
import { noting } from './noting.js';

describe('Noting messages', () => {
  it('shows each before the consumer has it, and ends the source with the consumer', async () => {
    const steps: string[] = [];
    async function* source() {
      try {
        for (const message of ['a', 'b', 'c']) yield message;
      } finally {
        steps.push('ended');
      }
    }
    for await (const message of noting(source(), (noted) => steps.push(`note ${noted}`))) {
      steps.push(message);
      if (message === 'b') break;
    }
    expect(steps).toEqual(['note a', 'a', 'note b', 'b', 'ended']);
  });

  it('passes on what the source throws', async () => {
    async function* source() {
      yield 'a';
      throw new Error('lost');
    }
    const noted: string[] = [];
    const consume = async () => {
      for await (const message of noting(source(), (one) => noted.push(one))) void message;
    };
    await expect(consume()).rejects.toThrow('lost');
    expect(noted).toEqual(['a']);
  });
});
