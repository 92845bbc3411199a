/** Counts the calls made for each mail that is under way in this process. */
export class MailAttempts {
  private readonly attempts = new Map<string, number>();

  of(idempotencyKey: string): number {
    return this.attempts.get(idempotencyKey) ?? 0;
  }

  /** One more begins. */
  begin(idempotencyKey: string): void {
    this.attempts.set(idempotencyKey, this.of(idempotencyKey) + 1);
  }

  /** The mail is dealt with. */
  forget(idempotencyKey: string): void {
    this.attempts.delete(idempotencyKey);
  }
}
