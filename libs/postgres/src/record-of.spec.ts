import { describe, expect, it } from '@jest/globals';
import { recordOf } from './record-of.js';

describe('A row of PostgreSQL', () => {
  it('is read by the names of the program; null is undefined, and nothing else is', () => {
    interface Mail {
      readonly accountId: string;
      readonly providerMessageId: string | undefined;
      readonly attempts: number | undefined;
      readonly isDue: boolean;
    }
    const row = { account_id: 'a_b', provider_message_id: null, attempts: 0, is_due: false };
    expect(recordOf<Mail>(row)).toStrictEqual({
      accountId: 'a_b',
      providerMessageId: undefined,
      attempts: 0,
      isDue: false,
    });
  });
});
