import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountDecider, accountStreamName, defaultActivationPolicy } from '@app/accounts';
import type { Account } from '@app/accounts';
import { accountRegistered, codeIssued, codeSent } from '@app/accounts/testing/account-examples.js';
import { loadStream } from '@app/event-store';
import { listen } from '@app/http-service';
import { createHttpService } from '@app/http-service/http-service.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { CLOCK, createLog } from '@app/process';
import type { DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accountProblemTable, accountProblems } from '../account-problems.js';
import { ClientAddresses, TrustedProxies } from '../client-address/client-addresses.js';
import { MailEventSignature } from './mail-event-signature.js';
import { keepRawBodies } from './raw-body.js';
import { MAIL_EVENTS_PATH, RecordMailEventController } from './record-mail-event.controller.js';
import { RecordMailEventHandler } from './record-mail-event.handler.js';

class SpecModule {}

const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const streamName = accountStreamName(accountId);
const key = randomBytes(32);
const now = Date.UTC(2026, 10, 22, 12, 0, 5);

describe('POST /v1/mail-events', () => {
  const store = { current: new InMemoryEventStore() };
  let app: NestFastifyApplication;
  let url: string;

  function accounts(): Accounts {
    return {
      // The store of the test at hand.
      get store() {
        return store.current;
      },
      codec: plainAccountCodec,
      decider: accountDecider(defaultActivationPolicy),
    };
  }

  beforeAll(async () => {
    const log = createLog('spec');
    log.level = 'silent';
    const module: DynamicModule = {
      module: SpecModule,
      imports: [CqrsModule.forRoot()],
      controllers: [RecordMailEventController],
      providers: [
        RecordMailEventHandler,
        { provide: ClientAddresses, useValue: new ClientAddresses(new TrustedProxies('')) },
        { provide: ACCOUNTS, useValue: accounts() },
        { provide: CLOCK, useValue: () => now },
        { provide: MailEventSignature, useValue: new MailEventSignature(key, () => now) },
      ],
    };
    app = await createHttpService(module, {
      log,
      problemTypes: Object.values(accountProblems),
      problemTable: accountProblemTable(() => now),
      onAnswer: () => undefined,
    });
    keepRawBodies(app.getHttpAdapter().getInstance(), MAIL_EVENTS_PATH);
    url = await listen(app, '127.0.0.1', 0, 'none');
  });

  beforeEach(async () => {
    store.current = new InMemoryEventStore();
    await store.current.record(streamName, accountRegistered(), codeIssued(), codeSent());
  });

  afterAll(() => app.close());

  async function post(
    body: string,
    { id = 'msg_1', headers = {} }: { id?: string; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; body: string; problem: string | undefined }> {
    const timestamp = String(now / 1_000);
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const response = await fetch(url + MAIL_EVENTS_PATH, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'svix-id': id,
        'svix-timestamp': timestamp,
        'svix-signature': `v1,${mac}`,
        ...headers,
      },
    });
    const answer = await response.text();
    const problem = /"type":"([^"]*)"/.exec(answer)?.[1];
    return { status: response.status, body: answer, problem };
  }

  const message = (type: string, data: object = {}) =>
    JSON.stringify({
      type,
      created_at: '2026-11-22T12:00:02.000Z',
      data: { tags: { account: accountId, issue: '1' }, ...data },
    });

  async function recorded() {
    const events = [];
    for await (const { type, data, metadata } of store.current.readStream(streamName)) {
      events.push({ type, data, metadata });
    }
    return events.slice(3);
  }

  async function state(): Promise<Account> {
    return (await loadStream(accounts(), streamName)).state;
  }

  it('records that a mail was delivered', async () => {
    const answer = await post(message('email.delivered'));
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(await recorded()).toEqual([
      {
        type: 'ActivationMailDelivered',
        data: {
          issueNumber: 1,
          deliveredAt: Date.UTC(2026, 10, 22, 12, 0, 2),
          providerEventId: 'msg_1',
        },
        metadata: expect.objectContaining({ actor: 'mail-provider' }),
      },
    ]);
  });

  it('makes a code undeliverable whose mail came back for good', async () => {
    await post(message('email.bounced', { bounce: { type: 'Permanent' } }));
    expect(await recorded()).toMatchObject([
      { type: 'ActivationMailBounced', data: { kind: 'permanent' } },
    ]);
    expect(await state()).toMatchObject({ code: { delivery: { status: 'undeliverable' } } });
  });

  it('records that a mail was called spam, and leaves its code as it is', async () => {
    await post(message('email.complained'));
    expect(await recorded()).toMatchObject([{ type: 'ActivationMailReportedAsSpam' }]);
    expect(await state()).toMatchObject({ code: { delivery: { status: 'sent' } } });
  });

  it('records a repeated message once, even at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(message('email.delivered'))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(204));
    expect(await recorded()).toHaveLength(1);
    await post(message('email.delivered'), { id: 'msg_2' });
    expect(await recorded()).toHaveLength(2);
  });

  it('takes, and leaves aside, what is no concern of an account', async () => {
    const others = [
      message('email.opened'),
      message('email.delivered', { tags: { account: accountId, notice: '1' } }),
      message('email.delivered', { tags: {} }),
      message('email.delivered', { tags: { account: accountId.replace('6f', '7f'), issue: '1' } }),
      message('email.delivered', { tags: { account: accountId, issue: '2' } }),
    ];
    for (const body of others) expect((await post(body)).status).toBe(204);
    expect(await recorded()).toEqual([]);
  });

  it('checks the signature over the bytes that were received', async () => {
    const spaced = message('email.delivered').replace('{', '{\n  ');
    expect((await post(spaced)).status).toBe(204);
    expect(await recorded()).toHaveLength(1);
  });

  it('answers 403 to what is not authentic, and records nothing', async () => {
    const body = message('email.delivered');
    const forged: Record<string, string>[] = [
      { 'svix-signature': `v1,${randomBytes(32).toString('base64')}` },
      { 'svix-timestamp': String(now / 1_000 - 301) },
      { 'svix-id': 'msg_other' },
    ];
    for (const headers of forged) {
      const answer = await post(body, { headers });
      expect([answer.status, answer.problem]).toEqual([403, '/problems/mail-event-not-authentic']);
    }
    expect(await recorded()).toEqual([]);
  });

  it('answers 400 to what is signed and yet no message', async () => {
    for (const body of ['{}', '[]', '"text"', '{"type":"email.delivered"}', '{"a":1,"a":2}', '{']) {
      expect((await post(body)).status).toBe(400);
    }
    expect(await recorded()).toEqual([]);
  });

  it('answers 413 to more than it reads, and 415 to what is not JSON', async () => {
    const large = JSON.stringify({ type: 'x'.repeat(20_000), data: {} });
    expect((await post(large)).status).toBe(413);
    const plain = { headers: { 'content-type': 'text/plain' } };
    expect((await post(message('email.delivered'), plain)).status).toBe(415);
  });
});
