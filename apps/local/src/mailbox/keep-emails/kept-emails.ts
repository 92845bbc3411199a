import { recipientKey } from './email.js';
import type { Email } from './email.js';

/** The messages in memory, newest last, with an index by recipient. The oldest give way when the bounds are reached. */
export class KeptEmails {
  readonly #emails = new Map<string, Email>();
  readonly #byRecipient = new Map<string, Set<string>>();
  #bytes = 0;

  /**
   * @param maxEmails how many messages are kept at most
   * @param maxBytes how much their bodies weigh together at most, in bytes
   */
  constructor(
    private readonly maxEmails: number,
    private readonly maxBytes: number,
  ) {}

  get count(): number {
    return this.#emails.size;
  }

  add(email: Email): void {
    this.#emails.set(email.id, email);
    this.#bytes += weightOf(email);
    for (const recipient of recipientsOf(email)) {
      const ids = this.#byRecipient.get(recipient);
      if (ids) ids.add(email.id);
      else this.#byRecipient.set(recipient, new Set([email.id]));
    }
    for (const oldest of this.#emails.values()) {
      const fits = this.#emails.size <= this.maxEmails && this.#bytes <= this.maxBytes;
      if (fits || oldest === email) break;
      this.remove(oldest);
    }
  }

  find(id: string): Email | undefined {
    return this.#emails.get(id);
  }

  /** Newest first. */
  list(limit: number): Email[] {
    return [...this.#emails.values()].slice(-limit).reverse();
  }

  /** Messages to one address, newest first. */
  listTo(address: string, limit: number): Email[] {
    const ids = [...(this.#byRecipient.get(recipientKey(address)) ?? [])].slice(-limit).reverse();
    return ids.flatMap((id) => this.#emails.get(id) ?? []);
  }

  /** Oldest first. */
  all(): Email[] {
    return [...this.#emails.values()];
  }

  clear(): void {
    this.#emails.clear();
    this.#byRecipient.clear();
    this.#bytes = 0;
  }

  private remove(email: Email): void {
    this.#emails.delete(email.id);
    this.#bytes -= weightOf(email);
    for (const recipient of recipientsOf(email)) {
      const ids = this.#byRecipient.get(recipient);
      ids?.delete(email.id);
      if (ids?.size === 0) this.#byRecipient.delete(recipient);
    }
  }
}

function recipientsOf(email: Email): Set<string> {
  return new Set(email.to.map(recipientKey));
}

function weightOf(email: Email): number {
  return Buffer.byteLength(email.subject + (email.text ?? '') + (email.html ?? ''));
}
