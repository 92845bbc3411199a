import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { MailProvider } from '../mail/mail-provider.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { sweep } from '../support/sweep.js';

/** More than fit into that heap together. */
const EVENTS = sweep(60_000, 100_000);
const APPENDED_AT_ONCE = 1_000;
const HEAP = '--max-old-space-size=96';

describe(`An account with ${EVENTS} events`, () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  let victim: Credentials;
  let accountId: string;

  beforeAll(async () => {
    product = await startProduct({
      // Nothing but the length of the stream is to decide.
      environment: { OWNER_NOTICE_INTERVAL_HOURS: '1' },
      api: { NODE_OPTIONS: HEAP },
      worker: { NODE_OPTIONS: HEAP },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    victim = newCaller();
    accountId = String((await client.register(victim)).body['accountId']);
    const activated = await client.activate(victim, await backstage.codeFor(victim));
    expect(activated.status).toBe(200);
    await appendRefusals(product.endpoints.eventstore, accountStreamName(accountId));
  }, 120_000);
  afterAll(async () => {
    await backstage.close();
    await product.stop();
  });

  it('can be registered again and mailed, and holds no other caller up meanwhile', async () => {
    const others = repeat(() => client.call('/openapi.json'));
    const registering = Promise.all([client.register(victim), client.register(victim)]);
    const [commands, answered] = await Promise.all([
      registering.finally(() => others.stop()),
      others.result,
    ]);
    expect(commands.map(({ status }) => status)).toEqual([202, 202]);
    expect(answered).toBeGreaterThan(10);

    const other = newCaller();
    expect((await client.register(other)).status).toBe(202);
    expect(await backstage.codeFor(other)).toMatch(/^\d{4}$/);
    // The worker has folded the stream as well: its owner has the notice.
    const provider = new MailProvider(product.endpoints.mailbox);
    await eventually(async () => expect(await provider.mails(victim.email)).toHaveLength(2), {
      within: 60_000,
    });
  }, 120_000);
});

/** What strangers could append at will, long ago, so that another refusal and notice are due. */
async function appendRefusals(url: string, streamName: string): Promise<void> {
  const store = new EventStoreDBEventStore({ url });
  let revision = -1n;
  for await (const event of store.readStream(streamName)) revision = event.revision;
  const refusal = () => ({
    id: randomUUID(),
    type: 'RegistrationRefused',
    data: { reason: 'already-active', refusedAt: '2026-01-01T00:00:00.000Z' },
    metadata: {
      schemaVersion: 1,
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      actor: 'anonymous',
      chain: '0'.repeat(64),
    },
  });
  for (let appended = 0; appended < EVENTS; appended += APPENDED_AT_ONCE) {
    const more = Array.from({ length: APPENDED_AT_ONCE - 1 }, refusal);
    ({ revision } = await store.append(streamName, revision, [refusal(), ...more]));
  }
  await store.close();
}

/** Calls again and again until it is stopped; the result is how many calls were answered. */
function repeat(call: () => Promise<unknown>) {
  let isOver = false;
  const calling = async () => {
    let answered = 0;
    for (; !isOver; answered += 1) await call();
    return answered;
  };
  return { result: calling(), stop: () => void (isOver = true) };
}
