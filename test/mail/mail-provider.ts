import { expect } from '@jest/globals';
import type { AccountClient, Backstage, Credentials } from '../api/account-client.js';
import { newCaller } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import type { Product } from '../support/product.js';

/** A message as a mailbox keeps it. */
export interface KeptMail {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly idempotencyKey: string;
  readonly receivedAt: string;
}

export interface ProviderStatus {
  readonly name: string;
  readonly state: 'closed' | 'open' | 'due' | 'probing';
  readonly outages: number;
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
}

export interface WorkerHealth {
  readonly consumers: {
    readonly 'activation-mail': {
      readonly state: string;
      readonly position?: string;
      readonly inFlight: number;
      readonly lagMs: number;
      readonly lastError?: { readonly message: string };
      readonly failing?: object;
    };
  };
  readonly mailProviders: readonly [ProviderStatus, ...ProviderStatus[]];
}

/** A stand-in for the e-mail provider, as tests look into it. */
export class MailProvider {
  constructor(private readonly url: string) {}

  /** Newest first. */
  async mails(to?: string): Promise<readonly KeptMail[]> {
    const query = new URLSearchParams({ limit: '10000', ...(to && { to }) });
    const response = await fetch(`${this.url}/emails?${query}`);
    return ((await response.json()) as { data: KeptMail[] }).data;
  }

  /** How many messages there are under each idempotency key. */
  async mailsPerKey(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { idempotencyKey } of await this.mails()) {
      counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
    }
    return counts;
  }

  /** Sets the fault switches; none puts them back to normal. */
  async faults(switches: object = {}): Promise<void> {
    const response = await fetch(`${this.url}/faults`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(switches),
    });
    expect(response.status).toBe(200);
  }
}

export interface Registered extends Credentials {
  readonly accountId: string;
}

/** Registers so many new addresses, a few at a time; every one of them must be acknowledged. */
export async function registerMany(client: AccountClient, count: number): Promise<Registered[]> {
  const registered: Registered[] = [];
  const registerNext = async (): Promise<void> => {
    while (registered.length < count) {
      const caller = newCaller();
      const place = registered.push({ ...caller, accountId: '' }) - 1;
      const answer = await client.register(caller);
      expect(answer.status).toBe(202);
      registered[place] = { ...caller, accountId: String(answer.body['accountId']) };
    }
  };
  await Promise.all([1, 2, 3, 4].map(registerNext));
  return registered;
}

/** What the first worker says of itself. */
export async function workerHealth(product: Product): Promise<WorkerHealth> {
  const response = await fetch(`${product.workers[0].url('internal')}/health/ready`);
  return (await response.json()) as WorkerHealth;
}

/** One value of the first worker's metrics; undefined where it has none under these labels. */
export async function workerMetric(product: Product, line: string): Promise<number | undefined> {
  const response = await fetch(`${product.workers[0].url('internal')}/metrics`);
  const found = (await response.text()).split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

/** Waits until nothing is left to be mailed. */
export async function mailsSettled(product: Product, within = 20_000): Promise<void> {
  await eventually(
    async () => {
      const health = await workerHealth(product);
      // Everything it says of itself, so that a failure explains itself.
      expect(health).toMatchObject({
        consumers: {
          'activation-mail': { state: 'running', inFlight: 0, lagMs: 0 },
        },
        mailProviders: health.mailProviders,
      });
      expect(health.consumers['activation-mail'].failing).toBeUndefined();
    },
    { within, every: 50 },
  );
}

/** The worker's times made shorter, in much the same proportions, so that an outage takes seconds. */
export const impatience = {
  EMAIL_TIMEOUT_MS: '800',
  EMAIL_BREAKER_PAUSE_MS: '200',
  EMAIL_BREAKER_LONGEST_PAUSE_MS: '600',
};

/**
 * What must be true of every account once the provider works again, whatever it did before.
 *
 * @param mailsOfProvider asked once each mail is on record: an event that is on its way to the worker is not counted as
 *   work of the worker yet
 */
export async function expectOneLiveMailEach(
  accounts: readonly Registered[],
  client: AccountClient,
  backstage: Backstage,
  mailsOfProvider: () => Promise<readonly KeptMail[]>,
): Promise<void> {
  const onRecord = accounts.map(({ accountId }) =>
    backstage.recorded(accountId, 'ActivationCodeSent'),
  );
  await Promise.all(onRecord);
  const mails = await mailsOfProvider();
  await Promise.all(
    accounts.map(async (account) => {
      const own = mails.filter(({ to }) => to.includes(account.email));
      expect(own.map(({ idempotencyKey }) => idempotencyKey)).toEqual([`${account.accountId}/1`]);
      const sent = await backstage.recorded(account.accountId, 'ActivationCodeSent');
      // The whole minute, and from now: not from some time during the outage.
      const expiresAt = Date.parse(String(sent['expiresAt']));
      expect(expiresAt - Date.parse(String(sent['sentAt']))).toBe(60_000);
      expect(expiresAt).toBeGreaterThan(Date.now());
      const code = /(?<!\d)\d{4}(?!\d)/.exec(own[0]?.text ?? '')?.[0];
      expect((await client.activate(account, code)).status).toBe(200);
    }),
  );
}
