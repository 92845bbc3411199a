import * as z from 'zod';

/** A {@link RememberedKey} as it is stored. */
export const storedKey = z.object({
  key: z.string(),
  /** The answer that was given, and is given again. */
  id: z.string(),
  /** Equal when a second request with this key asks for the same. */
  fingerprint: z.string(),
  /** ISO 8601, UTC. */
  acceptedAt: z.string(),
});

/** What is remembered about one idempotency key. */
export type RememberedKey = Readonly<z.infer<typeof storedKey>>;

/** Answers by idempotency key, for a limited time and of a limited number. */
export class IdempotencyKeys {
  readonly #keys = new Map<string, RememberedKey>();

  /**
   * @param lifetimeMs how long a key is remembered, in milliseconds
   * @param maxKeys how many are remembered at most; the oldest give way
   */
  constructor(
    private readonly lifetimeMs: number,
    private readonly maxKeys: number,
    private readonly now: () => Date,
  ) {}

  find(key: string): RememberedKey | undefined {
    this.forgetOld();
    return this.#keys.get(key);
  }

  remember(remembered: RememberedKey): void {
    this.#keys.set(remembered.key, remembered);
    this.forgetOld();
  }

  get count(): number {
    return this.#keys.size;
  }

  /** Oldest first. */
  all(): RememberedKey[] {
    this.forgetOld();
    return [...this.#keys.values()];
  }

  clear(): void {
    this.#keys.clear();
  }

  private forgetOld(): void {
    const now = this.now().getTime();
    for (const [key, { acceptedAt }] of this.#keys) {
      const expired = Date.parse(acceptedAt) + this.lifetimeMs <= now;
      if (!expired && this.#keys.size <= this.maxKeys) break;
      this.#keys.delete(key);
    }
  }
}
