import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { repositoryRoot } from './process.js';

const FOLDER = join(repositoryRoot, 'test/support/certificates');

/** The certificate of the authority that stands behind the others. */
export const TEST_AUTHORITY = join(FOLDER, 'ca.crt');

export interface TlsFront {
  readonly port: number;
  /** Certificate of new connections; those that are open keep theirs. */
  present(certificate: 'node' | 'expired'): void;
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * Takes TLS off and passes the rest on, by the protocol that the client chose.
 *
 * @param ports of plain servers
 */
export async function startTlsFront(ports: {
  readonly h2: number;
  readonly http1?: number;
}): Promise<TlsFront> {
  const key = readFileSync(join(FOLDER, 'node.key'));
  const contextOf = (certificate: string) => ({
    key,
    cert: readFileSync(join(FOLDER, `${certificate}.crt`)),
  });
  const sockets = new Set<Socket>();
  const server = createServer(
    { ...contextOf('node'), ALPNProtocols: ['h2', 'http/1.1'] },
    (near) => {
      const port = near.alpnProtocol === 'h2' ? ports.h2 : (ports.http1 ?? ports.h2);
      const far = connect({ port, host: '127.0.0.1' });
      for (const socket of [near, far]) kept(socket);
      near.pipe(far);
      far.pipe(near);
    },
  );
  const kept = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  // A connection counts from its first byte on, not from the end of its handshake: until then it would outlive a cut.
  server.on('connection', kept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    present: (certificate) => server.setSecureContext(contextOf(certificate)),
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
