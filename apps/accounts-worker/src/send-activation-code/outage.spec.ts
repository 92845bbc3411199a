import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  accountDecider,
  accountStreamName,
  defaultActivationPolicy,
  isCodeToBeSent,
} from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  codeIssued,
  MINUTE,
  noon,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import { RetryLater } from '@app/consumers';
import { backoffMs, loadStream } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { useFakeDate } from '../testing/fake-date.js';
import { exampleCodes } from '../testing/worker-examples.js';
import { MailProvider } from '../mail-delivery/mail-provider.js';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import { MailProviderUnavailable } from '../mail-delivery/mail.js';
import type { Mail, MailOutcome } from '../mail-delivery/mail.js';
import { SendActivationCodeHandler } from './send-activation-code.handler.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeCommand,
} from './send-activation-code.saga.js';

const WINDOW = 16;
const breaker = { failures: 5, pauseMs: 1_000, longestPauseMs: 15_000, clock: () => Date.now() };

/** Keeps mails by their idempotency key, as a provider does, unless it is down. */
class SimulatedProvider extends MailProvider {
  readonly mails = new Map<string, { readonly mail: Mail; readonly at: number }>();
  /** Every call it got, whatever became of it. */
  calls = 0;

  constructor(private readonly isDown: (now: number) => false | 'silent' | 'refusing' | 'lying') {
    super('simulated', breaker);
  }

  close(): void {}

  protected async deliver(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    this.calls += 1;
    const fault = this.isDown(Date.now());
    if (fault === 'refusing') throw new MailProviderUnavailable('it answered 503');
    if (fault === 'silent') throw new MailProviderUnavailable('no answer', { inDoubt: true });
    if (!this.mails.has(idempotencyKey)) this.mails.set(idempotencyKey, { mail, at: Date.now() });
    if (fault === 'lying')
      throw new MailProviderUnavailable('the connection was cut', { inDoubt: true });
    return { kind: 'accepted', providerMessageId: idempotencyKey, acceptedAt: Date.now() };
  }
}

/** The worker in simulated time: a window of commands, each retried as the feed retries it. */
class Simulation {
  readonly store = new InMemoryEventStore();
  readonly accounts = {
    store: this.store,
    codec: plainAccountCodec,
    decider: accountDecider(defaultActivationPolicy),
  };
  readonly providers: MailProviders;
  private readonly handler: SendActivationCodeHandler;
  private readonly queue: SendActivationCodeCommand[] = [];
  private readonly window: { command: SendActivationCodeCommand; at: number; faults: number }[] =
    [];

  constructor(...providers: [MailProvider, ...MailProvider[]]) {
    const clock = () => Date.now();
    this.providers = new MailProviders(providers, 10_000, clock);
    this.handler = new SendActivationCodeHandler(
      this.accounts,
      defaultActivationPolicy,
      clock,
      exampleCodes(),
      this.providers,
    );
  }

  async happened(accountId: string, ...events: [AccountEvent, ...AccountEvent[]]): Promise<void> {
    await this.store.record(accountStreamName(accountId), ...events);
    for (const event of events) {
      if (event.type !== 'ActivationCodeIssued') continue;
      const issued = new ActivationCodeIssuedEvent(accountId, event.data, 'a', 'b');
      this.queue.push(new SendActivationCodeCommand(issued));
    }
  }

  get isSettled(): boolean {
    return this.queue.length === 0 && this.window.length === 0;
  }

  /** Lets everything happen that is due now. */
  async turn(): Promise<void> {
    while (this.window.length < WINDOW) {
      const command = this.queue.shift();
      if (!command) break;
      this.window.push({ command, at: Date.now(), faults: 0 });
    }
    for (const entry of this.window.filter(({ at }) => at <= Date.now())) {
      // The gate: no mail moves while no provider may be asked.
      if (!this.providers.isAvailable) return;
      try {
        await this.handler.execute(entry.command);
        this.window.splice(this.window.indexOf(entry), 1);
      } catch (error) {
        if (!(error instanceof RetryLater)) throw error;
        entry.at = Date.now() + Math.max(backoffMs(entry.faults), error.afterMs);
        entry.faults += 1;
      }
    }
  }

  async state(accountId: string) {
    return (await loadStream(this.accounts, accountStreamName(accountId))).state;
  }
}

const TURN_MS = 100;
const idOf = (number: number) => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`;

describe('Ten minutes without a provider', () => {
  beforeEach(() => useFakeDate(noon));
  afterEach(() => {
    jest.useRealTimers();
  });

  /** One registration a second; every tenth asks for another code half a minute later. */
  async function run(simulation: Simulation, lastsMs: number): Promise<number> {
    let registered = 0;
    for (let ms = 0; ms < lastsMs || !simulation.isSettled; ms += TURN_MS) {
      jest.setSystemTime(noon + ms);
      if (ms < lastsMs && ms % SECOND === 0) {
        const accountId = idOf(registered);
        await simulation.happened(
          accountId,
          accountRegistered(Date.now()),
          codeIssued(1, Date.now()),
        );
        registered += 1;
        const earlier = registered - 31;
        if (earlier >= 0 && earlier % 10 === 0) {
          await simulation.happened(idOf(earlier), codeIssued(2, Date.now()));
        }
      }
      await simulation.turn();
      if (ms > lastsMs + 20 * MINUTE) throw new Error('it does not come to an end');
    }
    return registered;
  }

  const down = (fault: 'silent' | 'refusing' | 'lying') => (now: number) =>
    now >= noon + MINUTE && now < noon + 11 * MINUTE && fault;

  it.each(['silent', 'refusing', 'lying'] as const)(
    'that is %s leave everybody with one live mail, and the breaker opens once',
    async (fault) => {
      const provider = new SimulatedProvider(down(fault));
      const simulation = new Simulation(provider);
      const registered = await run(simulation, 12 * MINUTE);
      expect(registered).toBe(720);

      const [status] = simulation.providers.status;
      expect(status).toMatchObject({ state: 'closed', outages: 1 });
      // Left alone: hardly more calls than mails, although most of them waited for minutes.
      expect(provider.calls - provider.mails.size).toBeLessThan(120);
      for (let number = 0; number < registered; number += 1) {
        const state = await simulation.state(idOf(number));
        if (state.status !== 'pending' || !state.code)
          throw new Error('the account is not pending');
        const { issueNumber, delivery } = state.code;
        expect(isCodeToBeSent(state, issueNumber)).toBe(false);
        expect(delivery).toMatchObject({ status: 'sent' });
        if (delivery.status !== 'sent') throw new Error('its code was not sent');
        expect(delivery.expiresAt - delivery.sentAt).toBe(MINUTE);
        // The minute begins when the provider said that it took the mail, never before.
        const mail = provider.mails.get(`${idOf(number)}/${issueNumber}`);
        expect(mail?.at).toBeLessThanOrEqual(delivery.sentAt);
        if (fault !== 'lying') expect(mail?.at).toBe(delivery.sentAt);
        if (issueNumber === 2) {
          const superseded = provider.mails.get(`${idOf(number)}/1`);
          expect(superseded?.at ?? 0).toBeLessThan(state.code.issuedAt);
        }
      }
    },
    30_000,
  );

  it('are not noticed where a second one works: every mail goes out at once, from one of them', async () => {
    const first = new SimulatedProvider(down('silent'));
    const second = new SimulatedProvider(() => false);
    const simulation = new Simulation(first, second);
    const registered = await run(simulation, 12 * MINUTE);
    const delays: number[] = [];
    for (let number = 0; number < registered; number += 1) {
      const state = await simulation.state(idOf(number));
      if (state.status !== 'pending' || state.code?.delivery.status !== 'sent') {
        throw new Error('its code was not sent');
      }
      delays.push(state.code.delivery.sentAt - state.code.issuedAt);
    }
    const both = [...first.mails.keys()].filter((key) => second.mails.has(key));
    expect(both).toEqual([]);
    // Only mails that served as a probe waited.
    expect(Math.max(...delays)).toBeLessThan(15 * SECOND);
    expect(delays.filter((delay) => delay > SECOND).length).toBeLessThan(registered / 10);
    expect(simulation.providers.status).toMatchObject([
      { state: 'closed', outages: 1 },
      { state: 'closed', outages: 0 },
    ]);
  }, 30_000);

  it('and six more: codes that no provider could send in a quarter of an hour are given up', async () => {
    const provider = new SimulatedProvider((now) => now < noon + 16 * MINUTE && 'refusing');
    const simulation = new Simulation(provider);
    await run(simulation, 2 * MINUTE);
    expect(provider.mails.size).toBeGreaterThan(0);
    for (let number = 0; number < 120; number += 1) {
      const state = await simulation.state(idOf(number));
      if (state.status !== 'pending' || !state.code) throw new Error('the account is not pending');
      const { issuedAt, delivery } = state.code;
      const isInTime = provider.mails.has(`${idOf(number)}/${state.code.issueNumber}`);
      expect(delivery.status).toBe(isInTime ? 'sent' : 'undeliverable');
      if (!isInTime) expect(Date.now() - issuedAt).toBeGreaterThanOrEqual(15 * MINUTE);
    }
  }, 30_000);
});
