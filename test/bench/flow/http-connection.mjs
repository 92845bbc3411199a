import { once } from 'node:events';
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/**
 * One kept-alive HTTP/1.1 connection, one request at a time. Costs the load driver a third of what Node's own
 * client does, which matters where the driver shares the cores with what it measures.
 */
export class HttpConnection {
  static async open(url) {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new HttpConnection(socket, `${hostname}:${port}`);
  }

  constructor(socket, host) {
    this.socket = socket;
    this.host = host;
    this.received = Buffer.alloc(0);
    this.waiting = undefined;
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  /**
   * @param headers complete header lines, each with its line end
   * @returns status, head (as text) and body (as text)
   */
  request(method, path, headers = '', body) {
    if (this.failure) throw this.failure;
    if (this.waiting) throw new Error('a request is under way on this connection');
    const content =
      body === undefined
        ? ''
        : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${headers}${content}\r\n${body ?? ''}`,
      );
    });
  }

  close() {
    this.waiting = undefined;
    this.socket.destroy();
  }

  take(bytes) {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    const headEnd = this.received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.received.latin1Slice(0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      const bodyEnd = bodyStart + Number(length);
      if (this.received.length >= bodyEnd) {
        this.answer(status, head, this.received.utf8Slice(bodyStart, bodyEnd), bodyEnd);
      }
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      const chunked = this.chunks(bodyStart);
      if (chunked) this.answer(status, head, chunked.body, chunked.end);
    } else {
      this.answer(status, head, '', bodyStart);
    }
  }

  /** Undefined while the last chunk has not arrived. */
  chunks(start) {
    const parts = [];
    for (let at = start; ;) {
      const lineEnd = this.received.indexOf(LINE_END, at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.received.latin1Slice(at, lineEnd), 16);
      const end = lineEnd + 2 + size + 2;
      if (this.received.length < end) return undefined;
      if (size === 0) return { body: Buffer.concat(parts).toString(), end };
      parts.push(this.received.subarray(lineEnd + 2, end - 2));
      at = end;
    }
  }

  answer(status, head, body, end) {
    this.received = this.received.subarray(end);
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve({ status, head, body });
  }

  fail(error) {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
  }
}

/** Opens connections as they are needed, and closes all of them at the end. */
export class HttpConnections {
  constructor(url) {
    this.url = url;
    this.idle = [];
    this.all = [];
  }

  async with(work) {
    const connection = this.idle.pop() ?? (await this.open());
    const result = await work(connection);
    this.idle.push(connection);
    return result;
  }

  async open() {
    const connection = await HttpConnection.open(this.url);
    this.all.push(connection);
    return connection;
  }

  close() {
    for (const connection of this.all.splice(0)) connection.close();
    this.idle = [];
  }
}
