import { createHash } from 'node:crypto';
import type { ErasureReceipts } from '../accounts/erase-account/erasure-receipts.js';

/**
 * A file of JSON lines that can be checked without this service: the first line names the format, the last one
 * has a signature over the bytes of all lines before it.
 */
export class SignedLines {
  private readonly digest = createHash('sha256');

  /** @param signer undefined to leave the lines unsigned, and to say so */
  constructor(
    private readonly format: string,
    private readonly signer: ErasureReceipts | undefined,
  ) {}

  first(values: object): string {
    return this.line({ format: this.format, ...values });
  }

  line(value: object): string {
    const text = `${JSON.stringify(value)}\n`;
    this.digest.update(text);
    return text;
  }

  /** Holds only what a verifier checks: everything else stands in the lines before. */
  last(): string {
    const { signer } = this;
    const signature = signer?.sign(`${this.format}\n${this.digest.digest('hex')}\n`) ?? null;
    const publicKey = signer?.publicKey ?? null;
    return `${JSON.stringify({ end: { algorithm: 'Ed25519', publicKey, signature } })}\n`;
  }
}
