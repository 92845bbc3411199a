import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { ProviderError } from '../provider-error.js';
import { AppendOnlyLog } from './append-only-log.js';
import type { Email, NewEmail } from './email.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { KeptEmails } from './kept-emails.js';

const storedEmail = z.object({
  id: z.string(),
  to: z.array(z.string()),
  from: z.string(),
  subject: z.string(),
  text: z.string().nullable(),
  html: z.string().nullable(),
  idempotencyKey: z.string().nullable(),
  receivedAt: z.string(),
});

const storedEntry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted'), email: storedEmail, fingerprint: z.string() }),
  // The next two replace `accepted` in a compacted file, where a key may outlive its message.
  z.object({
    kind: z.literal('key'),
    key: z.string(),
    id: z.string(),
    fingerprint: z.string(),
    acceptedAt: z.string(),
    messages: z.number(),
  }),
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

export interface Acceptance {
  readonly id: string;
  /** True when an earlier request with the same key had been accepted. */
  readonly deduplicated: boolean;
}

/** How often one idempotency key has been used, at the highest. */
export interface KeyUse {
  readonly keys: number;
  readonly maxRequests: number;
  readonly maxMessages: number;
}

const DAY_MS = 86_400_000;
const SPARE_ENTRIES = 1_000;
const MAX_COUNTED_KEYS = 100_000;

/** The provider's memory: messages and idempotency keys, in memory for reading and in a file for good. */
export class Mailbox {
  readonly #emails: KeptEmails;
  readonly #keys: IdempotencyKeys;
  readonly #underWay = new Map<string, { fingerprint: string; done: Promise<string> }>();
  readonly #requests = new LRUCache<string, number>({ max: MAX_COUNTED_KEYS });
  readonly #now: () => Date;
  #log: AppendOnlyLog<StoredEntry>;
  #maxRequests = 0;
  #maxMessages = 0;

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
   * @throws ProviderError 409 when the key belongs to a different message
   */
  async accept(
    email: NewEmail,
    idempotencyKey: string | null,
    fingerprint: string,
    copies: () => number = () => 1,
  ): Promise<Acceptance> {
    if (idempotencyKey === null) {
      return { id: await this.keep(email, null, fingerprint, copies()), deduplicated: false };
    }
    this.countRequest(idempotencyKey);
    const underWay = this.#underWay.get(idempotencyKey);
    const known = underWay ?? this.#keys.find(idempotencyKey);
    if (known) {
      if (known.fingerprint !== fingerprint) throw keyBelongsToAnother();
      return { id: 'id' in known ? known.id : await known.done, deduplicated: true };
    }
    const done = this.keep(email, idempotencyKey, fingerprint, copies());
    this.#underWay.set(idempotencyKey, { fingerprint, done });
    try {
      return { id: await done, deduplicated: false };
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

  get keyUse(): KeyUse {
    return {
      keys: this.#keys.count,
      maxRequests: this.#maxRequests,
      maxMessages: this.#maxMessages,
    };
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
      to: [...email.to],
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
        this.rememberKey({
          key,
          id: known?.id ?? id,
          fingerprint: entry.fingerprint,
          acceptedAt: known?.acceptedAt ?? receivedAt,
          messages: (known?.messages ?? 0) + 1,
        });
        return;
      }
      case 'key':
        this.rememberKey(entry);
        return;
      case 'kept':
        this.#emails.add(entry.email);
        return;
      case 'emptied':
        this.#emails.clear();
        this.#keys.clear();
        this.#requests.clear();
        this.#maxRequests = 0;
        this.#maxMessages = 0;
        return;
    }
  }

  private rememberKey({ key, id, fingerprint, acceptedAt, messages }: StoredKey): void {
    this.#keys.remember({ key, id, fingerprint, acceptedAt, messages });
    this.#maxMessages = Math.max(this.#maxMessages, messages);
  }

  private countRequest(key: string): void {
    const requests = (this.#requests.get(key) ?? 0) + 1;
    this.#requests.set(key, requests);
    this.#maxRequests = Math.max(this.#maxRequests, requests);
  }

  private compacted(storedEntries: number): StoredEntry[] | undefined {
    const alive = this.#emails.count + this.#keys.count;
    if (storedEntries <= 2 * alive + SPARE_ENTRIES) return undefined;
    return [
      ...this.#keys.all().map((key) => ({ kind: 'key' as const, ...key })),
      ...this.#emails
        .all()
        .map((email) => ({ kind: 'kept' as const, email: { ...email, to: [...email.to] } })),
    ];
  }
}

type StoredKey = Omit<Extract<StoredEntry, { kind: 'key' }>, 'kind'>;

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
    'invalid_idempotent_request',
    'This idempotency key has been used with a different request body.',
  );
}
