import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerReadableStream, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import { repositoryRoot } from '../support/process.js';
import { startTlsFront } from '../support/tls-front.js';

interface Answer {
  readonly status: number;
  readonly body: string;
}

const recorded = JSON.parse(
  readFileSync(join(repositoryRoot, 'test/event-store/secure-24.10.14.json'), 'utf8'),
) as Readonly<Record<string, Answer>>;

const ADMIN = { name: 'admin', password: 'changeit' };

export interface SecureNode {
  readonly port: number;
  /** Passwords by user. */
  readonly users: Map<string, string>;
  /** Data of every event, by stream. */
  readonly events: Map<string, unknown[]>;
  stop(): Promise<void>;
}

/** What `event-store prepare` needs of a node with certificates and users, which answers as the real one was recorded. */
export async function startSecureNode(): Promise<SecureNode> {
  const users = new Map([[ADMIN.name, ADMIN.password]]);
  const events = new Map<string, unknown[]>();
  const isAdmin = (authorization: unknown) =>
    authorization === `Basic ${btoa(`${ADMIN.name}:${ADMIN.password}`)}`;

  const answerTo = (method: string, path: string, body: Record<string, string>): string => {
    const [, , name = '', ...command] = path.split('/');
    if (method === 'GET') return users.has(name) ? 'readUser' : 'readMissingUser';
    if (command.join('/') === 'command/reset-password') {
      users.set(name, body['newPassword'] ?? '');
      return 'resetPassword';
    }
    const { loginName = '', password = '' } = body;
    const answer = users.has(loginName) ? 'createUserAgain' : 'createUser';
    users.set(loginName, password);
    return answer;
  };
  const http = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
    const name = isAdmin(request.headers.authorization)
      ? answerTo(request.method ?? '', request.url ?? '', text ? JSON.parse(text) : {})
      : 'createUserWrongAdmin';
    const answer = recorded[name] ?? { status: 500, body: '' };
    response.writeHead(answer.status).end(answer.body);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');

  const grpc = new Server();
  const denied = () =>
    Object.assign(new Error('Unauthenticated'), {
      code: status.UNAUTHENTICATED,
      details: 'Unauthenticated',
    });
  const nameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined) =>
    Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();
  grpc.addService(streamsGrpc.StreamsService, {
    read: (call: ServerWritableStream<Streams.ReadReq, Streams.ReadResp>) => {
      if (!isAdmin(call.metadata.get('authorization')[0])) return call.emit('error', denied());
      const name = nameOf(call.request.getOptions()?.getStream()?.getStreamIdentifier());
      const stored = events.get(name) ?? [];
      if (stored.length === 0) {
        const metadata = new Metadata();
        metadata.set('exception', 'stream-not-found');
        metadata.set('stream-name', name);
        const code = status.NOT_FOUND;
        return call.emit('error', Object.assign(new Error('not found'), { code, metadata }));
      }
      const identifier = new shared.StreamIdentifier();
      identifier.setStreamName(Buffer.from(name).toString('base64'));
      const id = new shared.UUID();
      id.setString('6f1c9a52-3b0e-4f7e-9d58-0f7f7f3b9a11');
      const recordedEvent = new streams.ReadResp.ReadEvent.RecordedEvent();
      recordedEvent.setId(id);
      recordedEvent.setStreamIdentifier(identifier);
      recordedEvent.setStreamRevision(String(stored.length - 1));
      recordedEvent.getMetadataMap().set('type', 'any');
      recordedEvent.getMetadataMap().set('content-type', 'application/json');
      recordedEvent.getMetadataMap().set('created', '0');
      recordedEvent.setData(Buffer.from(JSON.stringify(stored.at(-1))).toString('base64'));
      const readEvent = new streams.ReadResp.ReadEvent();
      readEvent.setEvent(recordedEvent);
      const response = new streams.ReadResp();
      response.setEvent(readEvent);
      call.write(response);
      return call.end();
    },
    append: async (
      call: ServerReadableStream<Streams.AppendReq, Streams.AppendResp>,
      callback: sendUnaryData<Streams.AppendResp>,
    ) => {
      if (!isAdmin(call.metadata.get('authorization')[0])) return callback(denied());
      let name = '';
      for await (const message of call as AsyncIterable<Streams.AppendReq>) {
        const options = message.getOptions();
        if (options) name = nameOf(options.getStreamIdentifier());
        const proposed = message.getProposedMessage();
        if (!proposed) continue;
        const data: unknown = JSON.parse(Buffer.from(proposed.getData_asU8()).toString());
        events.set(name, [...(events.get(name) ?? []), data]);
      }
      const success = new streams.AppendResp.Success();
      success.setCurrentRevision(String((events.get(name) ?? []).length - 1));
      const response = new streams.AppendResp();
      response.setSuccess(success);
      return callback(null, response);
    },
  });
  const h2 = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  const front = await startTlsFront({ h2, http1: (http.address() as AddressInfo).port });
  return {
    port: front.port,
    users,
    events,
    stop: async () => {
      await front.close();
      grpc.forceShutdown();
      http.closeAllConnections();
      http.close();
    },
  };
}
