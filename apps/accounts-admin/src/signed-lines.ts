import { createHash } from 'node:crypto';

/** Signs texts with a key that can be checked elsewhere. */
export interface Signer {
  /** SPKI of an Ed25519 key, base64. */
  readonly publicKey: string;
  /** Base64. */
  sign(text: string): string;
}

/**
 * A file of JSON lines that can be checked without this service: the first line names the format, the last one
 * has a signature over the bytes of all lines before it.
 */
export class SignedLines {
  private readonly digest = createHash('sha256');

  /** @param signer undefined to leave the lines unsigned, and to say so */
  constructor(
    private readonly format: string,
    private readonly signer: Signer | undefined,
  ) {}

  first(values: object): string {
    return this.line({ format: this.format, ...values });
  }

  line(value: object): string {
    const text = `${JSON.stringify(value)}\n`;
    this.digest.update(text);
    return text;
  }

  /** @param values for whoever reads it; they are not signed */
  last(values: object): string {
    const { signer } = this;
    const signature = signer?.sign(`${this.format}\n${this.digest.digest('hex')}\n`) ?? null;
    const publicKey = signer?.publicKey ?? null;
    const end = { ...values, algorithm: 'Ed25519', publicKey, signature };
    return `${JSON.stringify({ end })}\n`;
  }
}
