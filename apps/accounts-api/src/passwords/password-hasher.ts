/** No hash is dearer: comparing with one of cost 31 would take days. */
export const HIGHEST_BCRYPT_COST = 15;

/** A hash as an account keeps it. */
export interface StoredHash {
  readonly accountId: string;
  readonly passwordHash: string;
}

/** Port: turns passwords into hashes that can be stored, and checks passwords against them. */
export interface PasswordHasher {
  /**
   * A hash that proves the password for this account only.
   *
   * @param password as it was typed
   * @throws HashingOverloaded when more is waiting than can be served in time
   */
  hash(password: string, accountId: string): Promise<string>;

  /**
   * Costs the same whether there is a hash to compare with or not, so that the time of an answer does
   * not reveal which addresses have an account.
   *
   * @param stored undefined for an unknown account: the answer is then false
   * @throws HashingOverloaded, UnreadableHash
   */
  verify(password: string, stored: StoredHash | undefined): Promise<boolean>;

  /** @throws HashingOverloaded when `verify` would throw it now: for callers that have work to do before */
  assertRoom(): void;

  /** Whether a hash made today would be stronger, have another pepper, or belong to its account alone. */
  isOutdated(storedHash: string): boolean;
}

export const PASSWORD_HASHER = Symbol('PasswordHasher');

/** More passwords wait for the processor than it can hash in time. */
export class HashingOverloaded extends Error {
  constructor(readonly retryAfterSeconds: number) {
    super('too many passwords are waiting to be hashed');
    this.name = 'HashingOverloaded';
  }
}

/** A stored hash was made in a way, or with a pepper, that this process does not know. */
export class UnreadableHash extends Error {
  constructor(what: string) {
    super(`the stored password hash cannot be checked: ${what}`);
    this.name = 'UnreadableHash';
  }
}
