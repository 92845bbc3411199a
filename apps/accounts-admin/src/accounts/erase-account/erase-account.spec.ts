import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ErasureReceipts } from './erasure-receipts.js';
import type { Erasure } from './erasure-receipts.js';

const erasure: Erasure = {
  receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
  accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
  reason: 'requested-by-owner',
  erasedAt: '2026-11-22T12:00:00.000Z',
};

describe('A receipt of an erasure', () => {
  it('is signed over its values, one a line', () => {
    const receipt = new ErasureReceipts(randomBytes(32)).receiptOf(erasure);
    const key = createPublicKey({
      key: Buffer.from(receipt.publicKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
    const text =
      'erasure-receipt/v1\n0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55\n' +
      '6f9619ff-8b86-8d01-b42d-00cf4fc964ff\nrequested-by-owner\n2026-11-22T12:00:00.000Z\n';
    const signature = Buffer.from(receipt.signature, 'base64');
    expect(verify(null, Buffer.from(text), key, signature)).toBe(true);
    expect(verify(null, Buffer.from(text.replace('owner', 'other')), key, signature)).toBe(false);
  });

  it('is the same each time, under the same key; another key has another fingerprint', () => {
    const [secret, other] = [randomBytes(32), randomBytes(32)];
    const receipts = new ErasureReceipts(secret);
    expect(receipts.receiptOf(erasure)).toEqual(new ErasureReceipts(secret).receiptOf(erasure));
    expect(new ErasureReceipts(other).fingerprint).not.toBe(receipts.fingerprint);
  });
});
