import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { ProviderError } from '../provider-error.js';
import { AppendOnlyLog } from './append-only-log.js';
import { storedEmail } from './email.js';
import type { Email, NewEmail } from './email.js';
import { IdempotencyKeys, storedKey } from './idempotency-keys.js';
import { KeptEmails } from './kept-emails.js';

const storedEntry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted'), email: storedEmail, fingerprint: z.string() }),
  // The next two replace `accepted` in a compacted file, where a key may outlive its message.
  z.object({ kind: z.literal('key'), ...storedKey.shape }),
  z.object({ kind: z.literal('kept'), email: storedEmail }),
  z.object({ kind: z.literal('emptied') }),
]);

type StoredEntry = z.infer<typeof storedEntry>;

export interface MailboxOptions {
  /** Folder of the messages. */
  readonly directory: string;
  readonly maxEmails?: number;
  readonly maxBytes?: number;
  readonly keyLifetimeMs?: number;
  readonly maxKeys?: number;
  /** Called for each message once it is kept. */
  readonly onAccepted?: (email: Email) => void;
  /** Called with faults that no caller waits for. */
  readonly onFault?: (error: unknown) => void;
  readonly now?: () => Date;
}

const DAY_MS = 86_400_000;
const SPARE_ENTRIES = 1_000;

/** The provider's memory: messages and idempotency keys, in memory for reading and in a file for good. */
export class Mailbox {
  readonly #emails: KeptEmails;
  readonly #keys: IdempotencyKeys;
  readonly #underWay = new Map<string, { fingerprint: string; done: Promise<string> }>();
  readonly #now: () => Date;
  #log: AppendOnlyLog<StoredEntry>;

  private constructor(private readonly options: MailboxOptions) {
    this.#now = options.now ?? (() => new Date());
    this.#emails = new KeptEmails(options.maxEmails ?? 10_000, options.maxBytes ?? 64 * 2 ** 20);
    this.#keys = new IdempotencyKeys(
      options.keyLifetimeMs ?? DAY_MS,
      options.maxKeys ?? 100_000,
      this.#now,
    );
  }

  /**
   * Opens the mailbox with everything it had accepted before.
   *
   * @throws Error when its file cannot be read
   */
  static async open(options: MailboxOptions): Promise<Mailbox> {
    const mailbox = new Mailbox(options);
    const { log, entries } = await AppendOnlyLog.open(join(options.directory, 'emails.jsonl'), {
      parse: (stored) => storedEntry.parse(stored),
      compacted: (storedEntries) => mailbox.compacted(storedEntries),
      ...(options.onFault && { onFault: options.onFault }),
    });
    for (const entry of entries) mailbox.apply(entry);
    mailbox.#log = log;
    return mailbox;
  }

  /**
   * Accepts a message; resolves when it is on the disk. A key that has been seen is answered as before and
   * keeps no second message, also while the first request with it is still under way.
   *
   * @param copies asked for each new message: how often it is kept; more than once only to play a provider that
   *   delivers twice
   * @returns the message's id
   * @throws ProviderError 409 when the key belongs to a different message
   */
  async accept(
    email: NewEmail,
    idempotencyKey: string | null,
    fingerprint: string,
    copies: () => number = () => 1,
  ): Promise<string> {
    if (idempotencyKey === null) return this.keep(email, null, fingerprint, copies());
    const underWay = this.#underWay.get(idempotencyKey);
    const known = underWay ?? this.#keys.find(idempotencyKey);
    if (known) {
      if (known.fingerprint !== fingerprint) throw keyBelongsToAnother();
      return 'id' in known ? known.id : known.done;
    }
    const done = this.keep(email, idempotencyKey, fingerprint, copies());
    this.#underWay.set(idempotencyKey, { fingerprint, done });
    try {
      return await done;
    } finally {
      this.#underWay.delete(idempotencyKey);
    }
  }

  find(id: string): Email | undefined {
    return this.#emails.find(id);
  }

  /** Newest first; `to` compares addresses whatever their case. */
  list(limit: number, to?: string): Email[] {
    return to === undefined ? this.#emails.list(limit) : this.#emails.listTo(to, limit);
  }

  get count(): number {
    return this.#emails.count;
  }

  /** Why no message can be accepted any more, if that is so. */
  get fault(): Error | undefined {
    return this.#log.fault;
  }

  /** Forgets every message and every idempotency key. */
  async empty(): Promise<void> {
    const entry: StoredEntry = { kind: 'emptied' };
    await this.#log.append(entry, () => this.apply(entry));
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  private async keep(
    email: NewEmail,
    idempotencyKey: string | null,
    fingerprint: string,
    copies: number,
  ): Promise<string> {
    const receivedAt = this.#now().toISOString();
    const emails = Array.from({ length: copies }, () => ({
      id: randomUUID(),
      to: email.to,
      from: email.from,
      subject: email.subject,
      text: email.text,
      html: email.html,
      idempotencyKey,
      receivedAt,
    }));
    await Promise.all(
      emails.map((kept) => {
        const entry: StoredEntry = { kind: 'accepted', email: kept, fingerprint };
        return this.#log.append(entry, () => {
          this.apply(entry);
          this.options.onAccepted?.(kept);
        });
      }),
    );
    return emails[0]!.id;
  }

  private apply(entry: StoredEntry): void {
    switch (entry.kind) {
      case 'accepted': {
        this.#emails.add(entry.email);
        const { idempotencyKey: key, id, receivedAt } = entry.email;
        if (key === null) return;
        const known = this.#keys.find(key);
        this.#keys.remember({
          key,
          id: known?.id ?? id,
          fingerprint: entry.fingerprint,
          acceptedAt: known?.acceptedAt ?? receivedAt,
        });
        return;
      }
      case 'key': {
        const { key, id, fingerprint, acceptedAt } = entry;
        this.#keys.remember({ key, id, fingerprint, acceptedAt });
        return;
      }
      case 'kept':
        this.#emails.add(entry.email);
        return;
      case 'emptied':
        this.#emails.clear();
        this.#keys.clear();
        return;
    }
  }

  private compacted(storedEntries: number): StoredEntry[] | undefined {
    const alive = this.#emails.count + this.#keys.count;
    if (storedEntries <= 2 * alive + SPARE_ENTRIES) return undefined;
    return [
      ...this.#keys.all().map((key) => ({ kind: 'key' as const, ...key })),
      ...this.#emails.all().map((email) => ({ kind: 'kept' as const, email })),
    ];
  }
}

/** Equal for two request bodies that ask for the same, whatever the order of their fields. */
export function fingerprintOf(body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(body)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.map(([name, field]) => [name, sorted(field)]);
}

function keyBelongsToAnother(): ProviderError {
  return new ProviderError(
    409,
    'This idempotency key has been used with a different request body.',
    { errorName: 'invalid_idempotent_request' },
  );
}
