import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What an HTTP/2 connection begins with; no method of HTTP/1 does. */
const HTTP_2 = 'PRI';

/** One port for both: the first bytes of a connection tell which it is. */
export class HttpAndGrpcPort {
  private readonly http = createHttpServer();
  private readonly server: Server;
  /** Connections that are not gRPC's. */
  private readonly sockets = new Set<Socket>();

  /** @param takeGrpc takes connections over */
  constructor(takeGrpc: (connection: Socket) => void, answerHttp: RequestListener) {
    this.http.on('request', answerHttp);
    this.server = createServer({ noDelay: true }, (socket) => {
      const fail = (): void => void socket.destroy();
      socket.once('error', fail);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      socket.once('data', (first: Buffer) => {
        socket.pause();
        socket.off('error', fail);
        // The server that takes the connection reads it from its beginning.
        socket.unshift(first);
        if (first.toString('latin1', 0, HTTP_2.length) === HTTP_2) {
          this.sockets.delete(socket);
          return takeGrpc(socket);
        }
        this.http.emit('connection', socket);
        socket.resume();
      });
    });
  }

  /**
   * @param port 0 takes a free one
   * @returns the port
   */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes no more connections. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
