import { randomUUID } from 'node:crypto';
import { ActivationCodes, KeyRing } from '@app/account-secrets';
import { accountDecider, accountStreamName, defaultActivationPolicy } from '@app/accounts';
import type { AccountEvent, ActivationPolicy, Instant } from '@app/accounts';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import type { Accounts } from '@app/personal-data';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { MailProvider } from '../mail-delivery/mail-provider.js';
import type { BreakerOptions } from '../mail-delivery/mail-provider.js';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import type { Mail, MailOutcome } from '../mail-delivery/mail.js';

export const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
export const eventId = '0b8f7c1e-5a2d-4e3f-9b4a-6c7d8e9f0a1b';
export const correlationId = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';

/** One account's stream, in memory. */
export class ExampleAccount {
  readonly store = new InMemoryEventStore();
  readonly accounts: Accounts;

  constructor(policy: ActivationPolicy = defaultActivationPolicy) {
    this.accounts = {
      store: this.store,
      codec: plainAccountCodec,
      decider: accountDecider(policy),
    };
  }

  async happened(...events: readonly [AccountEvent, ...AccountEvent[]]): Promise<void> {
    await this.store.record(accountStreamName(accountId), ...events);
  }

  async history(): Promise<{ type: string; data: unknown; metadata: object }[]> {
    const events = [];
    for await (const { type, data, metadata } of this.store.readStream(
      accountStreamName(accountId),
    )) {
      events.push({ type, data, metadata });
    }
    return events;
  }
}

/** Codes as the product derives them, under a key of this spec's own. */
export function exampleCodes(): ActivationCodes {
  const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64');
  return new ActivationCodes(KeyRing.parse(`k1:${key}`, 'ACTIVATION_CODE_KEYS'));
}

/** Takes every mail, unless the test sets an answer. */
export class RecordingMailProvider extends MailProvider {
  readonly sent: { readonly mail: Mail; readonly idempotencyKey: string }[] = [];
  private readonly script: (() => Promise<MailOutcome>)[] = [];

  constructor(
    private readonly clock: () => Instant,
    name = 'example',
    breaker: BreakerOptions = { failures: 1_000, pauseMs: 1_000, longestPauseMs: 1_000, clock },
  ) {
    super(name, breaker);
  }

  /** A chain of this provider alone, which keeps no mail in doubt back. */
  alone(): MailProviders {
    return new MailProviders([this], 0, this.clock);
  }

  close(): void {}

  /** What becomes of the next tries; later ones are accepted again. */
  answers(...outcomes: (MailOutcome | Error | (() => Promise<MailOutcome>))[]): void {
    for (const outcome of outcomes) {
      this.script.push(async () => {
        if (outcome instanceof Error) throw outcome;
        return typeof outcome === 'function' ? outcome() : outcome;
      });
    }
  }

  protected async deliver(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    this.sent.push({ mail, idempotencyKey });
    const answer = this.script.shift();
    if (answer) return answer();
    return { kind: 'accepted', providerMessageId: randomUUID(), acceptedAt: this.clock() };
  }
}
