import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusMessages from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, it } from '@jest/globals';
import anyMessage from 'google-protobuf/google/protobuf/any_pb.js';
import { AppendCallGivenUp, AppendCalls } from './eventstoredb-append-calls.js';
import { newEvent } from './testing/new-events.js';

type Answer = (
  request: Streams.BatchAppendReq,
) => Streams.BatchAppendResp | 'end' | 'nothing yet' | Error;

/** A client whose server answers each append so; how many calls were opened, and cancelled, is counted. */
function connectedTo(answer: Answer, failsToOpen = 0) {
  const server = { opened: 0, cancelled: 0, answer: ignored };
  const open = async () => {
    server.opened += 1;
    if (server.opened <= failsToOpen) throw new Error('cannot connect');
    const stream = new PassThrough({ objectMode: true });
    server.answer = (late) => void stream.emit('data', late);
    const write = (request: Streams.BatchAppendReq): boolean => {
      const found = answer(request);
      if (found instanceof Error) stream.emit('error', found);
      else if (found === 'end') stream.emit('end');
      else if (found !== 'nothing yet') stream.emit('data', found);
      return true;
    };
    const cancel = () => {
      server.cancelled += 1;
      stream.destroy();
    };
    return Object.assign(stream, { write, cancel });
  };
  const client = { GRPCStreamCreator: () => open, callArguments: () => [] };
  return { server, appends: new AppendCalls(client as unknown as EventStoreDBClient) };
}

/** Before a call is open there is nobody to answer. */
function ignored(_late: Streams.BatchAppendResp): void {
  return;
}

function answerTo(request: Streams.BatchAppendReq): Streams.BatchAppendResp {
  return new streams.BatchAppendResp().setCorrelationId(request.getCorrelationId());
}

function stored(request: Streams.BatchAppendReq): Streams.BatchAppendResp {
  const success = new streams.BatchAppendResp.Success().setCurrentRevision('0');
  return answerTo(request).setSuccess(success);
}

function refused(request: Streams.BatchAppendReq, type: string, message = 'refused') {
  const details = new anyMessage.Any();
  details.pack(new shared.AccessDenied().serializeBinary(), type);
  const status = new statusMessages.Status().setMessage(message).setDetails(details);
  return answerTo(request).setError(status);
}

const DENIED = 'event_store.client.AccessDenied';

const append = async (appends: AppendCalls) =>
  appends.append('account-1', 'no-stream', [newEvent()]).answer;

describe('Appends', () => {
  it('share a call', async () => {
    const { server, appends } = connectedTo(stored);
    const answers = await Promise.all([append(appends), append(appends), append(appends)]);
    expect(answers.map(({ revision }) => revision)).toEqual([0n, 0n, 0n]);
    expect(server.opened).toBe(1);
  });

  it('open another one when the right to append was missing, for it may have been given', async () => {
    const answers: Answer[] = [(request) => refused(request, DENIED), stored];
    const { server, appends } = connectedTo((request) => (answers.shift() ?? stored)(request));
    await expect(append(appends)).rejects.toMatchObject({ type: 'access-denied' });
    await append(appends);
    expect(server.opened).toBe(2);
  });

  it('leave no call behind that denied them: a server ends none by itself, and takes 100', async () => {
    const denied = (request: Streams.BatchAppendReq) => refused(request, DENIED);
    const { server, appends } = connectedTo(denied);
    for (let count = 1; count <= 3; count++) {
      await expect(append(appends)).rejects.toMatchObject({ type: 'access-denied' });
      expect(server).toMatchObject({ opened: count, cancelled: count });
    }
  });

  it('are answered when another one was denied meanwhile', async () => {
    const requests: Streams.BatchAppendReq[] = [];
    const { server, appends } = connectedTo((request) => {
      requests.push(request);
      return requests.length === 3 ? refused(request, DENIED) : 'nothing yet';
    });
    const underWay = [append(appends), append(appends)];
    await expect(append(appends)).rejects.toMatchObject({ type: 'access-denied' });
    for (const request of requests.slice(0, 2)) {
      expect(server.cancelled).toBe(0);
      server.answer(stored(request));
    }
    expect((await Promise.all(underWay)).map(({ revision }) => revision)).toEqual([0n, 0n]);
    expect(server.cancelled).toBe(1);
  });

  it('are not sent again for one with little time left that came from another call', async () => {
    const { server, appends } = connectedTo(() => 'nothing yet');
    const begin = () => appends.append('account-1', 'no-stream', [newEvent()]);
    const sent = [begin(), begin(), begin()] as const;
    const outcomes = sent.map(async ({ answer }) => answer.catch((error: unknown) => error));
    sent[0].giveUp(false);
    await setImmediate();
    expect(server.cancelled).toBe(0);
    sent[1].giveUp(true);
    expect(await outcomes[2]).toBeInstanceOf(AppendCallGivenUp);
    expect(server.cancelled).toBe(1);
    const last = begin();
    await setImmediate();
    last.giveUp(false);
    await setImmediate();
    expect(server).toMatchObject({ opened: 2, cancelled: 2 });
  });

  it.each<[string, Answer, string]>([
    ['is busy', (request) => refused(request, 'google.protobuf.Empty', 'busy'), 'unavailable'],
    ['says nothing', answerTo, 'unavailable'],
    ['ends the call', () => 'end', 'unavailable'],
    ['is gone', () => Object.assign(new Error('x'), { type: 'unavailable' }), 'unavailable'],
    [
      'takes too long',
      (request) => refused(request, 'event_store.client.Timeout'),
      'deadline-exceeded',
    ],
  ])('fail when the server %s, and the next one succeeds', async (_, failing, type) => {
    const answers: Answer[] = [failing];
    const { appends } = connectedTo((request) => (answers.shift() ?? stored)(request));
    await expect(append(appends)).rejects.toMatchObject({ type });
    await append(appends);
  });

  it('are to be sent again when this process has ended the call', async () => {
    const cancelled = Object.assign(new Error('x'), { code: 1, details: 'Cancelled on client' });
    const { appends } = connectedTo(() => cancelled);
    await expect(append(appends)).rejects.toThrow(AppendCallGivenUp);
  });

  it('fail when the call cannot be opened, and the next one opens it', async () => {
    const { appends } = connectedTo(stored, 1);
    const sent = appends.append('account-1', 'no-stream', [newEvent()]);
    await expect(sent.answer).rejects.toThrow('cannot connect');
    sent.giveUp(true);
    await append(appends);
  });

  it('take no answer for their own that names another append, or none', async () => {
    const other = new shared.UUID().setString('7b1e8f0a-5c5d-4a53-8ac0-1e9d2f3b4c5d');
    const { appends } = connectedTo((request) => stored(request).setCorrelationId(other));
    const sent = appends.append('account-1', 'no-stream', [newEvent()]);
    const outcome = await Promise.race([
      sent.answer,
      new Promise((resolve) => setTimeout(() => resolve('still waiting'), 20)),
    ]);
    expect(outcome).toBe('still waiting');
  });
});
