import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RecordedEvent } from '@app/event-store';
import { playStory } from './story.js';

const accountId = 'f199fda1-3b14-8564-b1c9-f5a20f013a4a';

const answers = {
  'POST /v1/accounts': [{ status: 202, body: { accountId } }],
  'GET /emails': [{ status: 200, body: { data: [{ text: 'Your code is 9999.' }] } }],
  'POST /v1/account/activation': [
    { status: 422, body: { type: '/problems/activation-code-incorrect' } },
    { status: 200, body: { status: 'active' } },
    { status: 409, body: { type: '/problems/account-already-active' } },
  ],
  'GET /v1/account': [{ status: 200, body: { accountId, status: 'active' } }],
};
type Call = keyof typeof answers;

const history = [
  'AccountRegistered',
  'ActivationCodeIssued',
  'ActivationCodeSent',
  'ActivationRefused',
  'AccountActivated',
];

describe('the demo', () => {
  let script: Record<string, { status: number; body: unknown }[]>;
  let sent: string[];
  let printed: string[];
  let address: string;
  const product = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://product').pathname;
    const answer = script[`${request.method} ${path}`]?.shift();
    request.on('data', (chunk: Buffer) => sent.push(chunk.toString()));
    response.statusCode = answer?.status ?? 500;
    response.end(JSON.stringify(answer?.body ?? {}));
  });

  beforeAll(async () => {
    product.listen(0, '127.0.0.1');
    await once(product, 'listening');
    address = `http://127.0.0.1:${(product.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    product.closeAllConnections();
    product.close();
    await once(product, 'close');
  });
  beforeEach(() => {
    script = structuredClone(answers);
    sent = [];
    printed = [];
  });

  function play(types: readonly string[] = history): Promise<void> {
    return playStory({
      endpoints: { api: address, mailbox: address },
      eventStore: { readStream: () => recorded(types) },
      tell: (line) => printed.push(line),
    });
  }

  it('prints what it did, with the history at the end', async () => {
    await play();
    expect(printed.filter((line) => /^\d\./.test(line))).toHaveLength(7);
    expect(printed.slice(-history.length).map((line) => line.trim().split(/ +/)[2])).toEqual(
      history,
    );
  });

  it('tries a code that is certainly wrong, then the one from the mail', async () => {
    await play();
    expect(sent.filter((body) => body.includes('code'))).toEqual([
      '{"code":"0000"}',
      '{"code":"9999"}',
      '{"code":"9999"}',
    ]);
  });

  it.each(Object.keys(answers) as Call[])('stops when %s answers otherwise', async (call) => {
    script[call] = [{ status: 503, body: { type: '/problems/unavailable' } }];
    await expect(play()).rejects.toThrow(/should have answered|the mailbox answered 503/);
  });

  it('stops when the right status comes with the wrong problem', async () => {
    script['POST /v1/account/activation'] = [
      { status: 422, body: { type: '/problems/something-else' } },
    ];
    await expect(play()).rejects.toThrow(/should have answered 422 activation-code-incorrect/);
  });

  it('stops when the account is not active in the end', async () => {
    script['GET /v1/account'] = [{ status: 200, body: { accountId, status: 'pending' } }];
    await expect(play()).rejects.toThrow(/should be active/);
  });

  it('stops when the history is another one', async () => {
    await expect(play(history.slice(1))).rejects.toThrow(/history should be/);
  });
});

async function* recorded(types: readonly string[]): AsyncGenerator<RecordedEvent> {
  await Promise.resolve();
  for (const [index, type] of types.entries()) {
    yield {
      id: `0000000${index}-0000-4000-8000-000000000000`,
      type,
      data: { issueNumber: 1 },
      metadata: {
        schemaVersion: 1,
        $correlationId: accountId,
        $causationId: accountId,
        actor: 'worker',
      },
      streamName: `account-${accountId}`,
      revision: BigInt(index),
      position: BigInt(index * 10),
      recordedAt: new Date('2026-11-22T11:22:59.931Z'),
    };
  }
}
