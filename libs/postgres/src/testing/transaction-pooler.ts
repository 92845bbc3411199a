import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface TransactionPooler {
  /** The given URL, with the pooler in front of its server. */
  readonly url: string;
  close(): Promise<void>;
}

/** A message of the protocol: a type, and a length that counts itself. */
const HEADER_BYTES = 5;
const READY_FOR_QUERY = 'Z'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);
const RETRY_MS = 5;

interface Backend {
  readonly stream: Socket;
  client: Socket | undefined;
}

/**
 * Lends connections of the server to its clients for one transaction each, the one that was used last first: as far
 * as a client can tell, PgBouncer with `pool_mode = transaction`.
 *
 * @param most connections of the server; who wants one more waits
 */
export async function poolTransactions(
  target: string,
  most = Infinity,
): Promise<TransactionPooler> {
  const free: Backend[] = [];
  const all: Backend[] = [];
  const clients = new Set<Socket>();

  const connect = async (): Promise<Backend> => {
    const client = new pg.Client({ connectionString: target });
    client.on('error', () => undefined);
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    stream.removeAllListeners('data');
    const backend: Backend = { stream, client: undefined };
    forEachMessage(stream, (message) => {
      const borrower = backend.client;
      if (message[0] === READY_FOR_QUERY && message[HEADER_BYTES] === IDLE) {
        backend.client = undefined;
        free.push(backend);
      }
      borrower?.write(message);
    });
    stream.on('error', () => undefined);
    all.push(backend);
    return backend;
  };

  const lend = async (): Promise<Backend> => {
    // Unreferenced: a client that still waits at the end of a test holds nothing up.
    while (free.length === 0 && all.length >= most) await delay(RETRY_MS, null, { ref: false });
    return free.pop() ?? connect();
  };

  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => undefined);
    // The start-up packet has no type; every user is welcome.
    client.once('data', () => {
      client.write(Buffer.from([...messageOf('R', [0, 0, 0, 0]), ...messageOf('Z', [IDLE])]));
      let work = Promise.resolve();
      forEachMessage(client, (message) => {
        work = work.then(async () => {
          if (message[0] === TERMINATE) return;
          let backend = all.find((one) => one.client === client);
          backend ??= await lend();
          backend.client = client;
          backend.stream.write(message);
        });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    close: async () => {
      for (const client of clients) client.destroy();
      for (const { stream } of all) stream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function messageOf(type: string, body: readonly number[]): number[] {
  return [type.charCodeAt(0), 0, 0, 0, body.length + HEADER_BYTES - 1, ...body];
}

function forEachMessage(stream: Socket, take: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  stream.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= HEADER_BYTES) {
      const end = rest.readInt32BE(1) + 1;
      if (rest.length < end) return;
      take(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}
