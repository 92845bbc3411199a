import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { erasureReasons } from '@app/accounts';
import * as z from 'zod';

/** The record of an erasure that its requester gets. Holds no personal data. */
export const erasureReceipt = z.object({
  receiptId: z.uuid(),
  accountId: z.uuid(),
  reason: z.enum(erasureReasons),
  /** In UTC with milliseconds. */
  erasedAt: z.iso.datetime(),
  algorithm: z.literal('Ed25519'),
  publicKey: z.string().meta({ description: 'SPKI, base64.' }),
  /** Over the bytes of `signedText`. */
  signature: z.string().meta({ description: 'Base64.' }),
});

export type ErasureReceipt = z.infer<typeof erasureReceipt>;
export type Erasure = Omit<ErasureReceipt, 'algorithm' | 'publicKey' | 'signature'>;

/** The beginning of every Ed25519 private key in PKCS #8 (RFC 8410); the 32 bytes of the key follow. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs receipts of erasures; the public key is enough to check them, without this service. */
export class ErasureReceipts {
  private readonly privateKey: KeyObject;
  /** SPKI, base64: to be published where a receipt cannot be changed. */
  readonly publicKey: string;

  /** @param secret 32 bytes or more */
  constructor(secret: Buffer) {
    const seed = Buffer.from(hkdfSync('sha256', secret, '', 'erasure-receipts/v1', 32));
    this.privateKey = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    this.publicKey = createPublicKey(this.privateKey)
      .export({ format: 'der', type: 'spki' })
      .toString('base64');
  }

  /** SHA-256 of the public key, hexadecimal: short enough to be read out. */
  get fingerprint(): string {
    return createHash('sha256').update(Buffer.from(this.publicKey, 'base64')).digest('hex');
  }

  receiptOf(erasure: Erasure): ErasureReceipt {
    return {
      ...erasure,
      algorithm: 'Ed25519',
      publicKey: this.publicKey,
      signature: this.sign(signedText(erasure)),
    };
  }

  /** Base64. Texts of different kinds begin with different lines, so that none can stand for another. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.privateKey).toString('base64');
  }
}

/** What is signed: one value a line, none of which can hold a line end. */
function signedText({ receiptId, accountId, reason, erasedAt }: Erasure): string {
  return ['erasure-receipt/v1', receiptId, accountId, reason, erasedAt, ''].join('\n');
}
