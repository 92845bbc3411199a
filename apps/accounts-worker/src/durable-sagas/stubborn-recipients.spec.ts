import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { accountDecider, accountStreamName, defaultActivationPolicy } from '@app/accounts';
import { accountRegistered, codeIssued } from '@app/accounts/testing/account-examples.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { eventually } from '../../../../test/support/eventually.js';
import { MailGate } from '../mail-delivery/mail-gate.js';
import { MailProvider } from '../mail-delivery/mail-provider.js';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import { MailProviderUnavailable } from '../mail-delivery/mail.js';
import type { Mail, MailOutcome } from '../mail-delivery/mail.js';
import { SendActivationCodeHandler } from '../send-activation-code/send-activation-code.handler.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeCommand,
} from '../send-activation-code/send-activation-code.saga.js';
import { InMemoryDatabase } from '../testing/in-memory-database.js';
import { silentLog } from '../testing/silent-log.js';
import { exampleCodes } from '../testing/worker-examples.js';
import { SagaFeed } from './saga-feed.js';

type Fault = '409' | '500' | 'hung';

const TIMEOUT_MS = 3_000;
const OTHERS = 25;

/** Takes every mail but those of some accounts; keeps them by their idempotency keys, as a provider does. */
class PickyProvider extends MailProvider {
  readonly takenAt = new Map<string, number>();
  /** By account. */
  readonly faults = new Map<string, Fault>();

  constructor() {
    super('picky', { failures: 5, pauseMs: 1_000, longestPauseMs: 15_000, clock: Date.now });
  }

  close(): void {}

  protected async deliver(_: Mail, idempotencyKey: string): Promise<MailOutcome> {
    const fault = this.faults.get(idempotencyKey.split('/', 1)[0] ?? '');
    await pause(fault === 'hung' ? TIMEOUT_MS : 5);
    if (fault === '409')
      throw new MailProviderUnavailable('409', { inDoubt: true, ofMailOnly: true });
    if (fault) throw new MailProviderUnavailable(fault, { inDoubt: true });
    if (!this.takenAt.has(idempotencyKey)) this.takenAt.set(idempotencyKey, Date.now());
    return { kind: 'accepted', providerMessageId: idempotencyKey, acceptedAt: Date.now() };
  }
}

const idOf = (number: number) => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`;

/** The slowest mail to one of the others, in milliseconds. */
async function slowestBeside(fault: Fault, stubborn: number): Promise<number> {
  const store = new InMemoryEventStore();
  const decider = accountDecider(defaultActivationPolicy);
  const provider = new PickyProvider();
  const providers = new MailProviders([provider], 10_000, Date.now);
  const handler = new SendActivationCodeHandler(
    { store, codec: plainAccountCodec, decider },
    defaultActivationPolicy,
    Date.now,
    exampleCodes(),
    providers,
  );
  const database = new InMemoryDatabase();
  const feed = new SagaFeed({
    name: 'mails',
    streamNamePrefixes: ['account-'],
    store,
    database,
    codec: plainAccountCodec,
    eventBus: {
      dispatch: (event) =>
        handler.execute(new SendActivationCodeCommand(event as ActivationCodeIssuedEvent)),
    },
    events: { ActivationCodeIssued: ActivationCodeIssuedEvent },
    gate: new MailGate(providers),
    clock: Date.now,
    windowSize: 16,
    log: silentLog(),
  });
  feed.start();
  const register = async (number: number) => {
    const now = Date.now();
    await store.record(accountStreamName(idOf(number)), accountRegistered(now), codeIssued(1, now));
    return now;
  };
  const takenAt = (number: number) => provider.takenAt.get(`${idOf(number)}/1`);
  for (let number = 0; number < stubborn; number++) {
    provider.faults.set(idOf(number), fault);
    await register(number);
  }
  const others = new Map<number, number>();
  for (let number = 100; number < 100 + OTHERS; number++) {
    others.set(number, await register(number));
    await pause(40);
  }
  await eventually(
    () => expect([...others.keys()].filter((number) => !takenAt(number))).toEqual([]),
    { within: 15_000 },
  );
  await eventually(
    () => expect([...database.failed.values()].filter(({ dueAt }) => dueAt)).toHaveLength(stubborn),
    { within: 15_000 },
  );
  provider.faults.clear();
  // Each once, although some were tried often.
  await eventually(() => expect(provider.takenAt.size).toBe(stubborn + OTHERS), {
    within: 20_000,
  });
  await feed.stop();
  return Math.max(...[...others].map(([number, at]) => Number(takenAt(number)) - at));
}

describe('Recipients whose mail the provider does not take', () => {
  it('keep no other mail waiting for 5 s, and get theirs when the provider takes it', async () => {
    const cases = [
      ['409', 16],
      ['500', 4],
      ['500', 16],
      ['hung', 16],
    ] as const;
    const slowest = await Promise.all(
      cases.map(async ([fault, stubborn]) => [
        fault,
        stubborn,
        await slowestBeside(fault, stubborn),
      ]),
    );
    expect(slowest.filter(([, , delayMs]) => Number(delayMs) >= 5_000)).toEqual([]);
  }, 60_000);
});
