import { createServer } from 'node:http';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';

/** The code is the only run of four digits in a mail's text. */
const CODE = /(?<!\d)\d{4}(?!\d)/;

/** The third party: takes every mail, keeps only when it came and its code. Lives in the load driver. */
export class MailApi {
  static async start() {
    const api = new MailApi();
    api.server = createServer((request, response) => api.take(request, response));
    api.server.keepAliveTimeout = 60_000;
    api.server.listen(0, '127.0.0.1');
    await once(api.server, 'listening');
    api.url = `http://127.0.0.1:${api.server.address().port}`;
    return api;
  }

  constructor() {
    this.expected = new Map();
    this.arrived = 0;
    /** How long it thinks before it answers. */
    this.latencyMs = 0;
  }

  /** To be called before the registration. @returns promise of `{ at, code }`: performance.now(), 4 digits */
  expect(address) {
    return new Promise((resolve) => this.expected.set(address, resolve));
  }

  /** Forgets the addresses whose callers wait no longer. */
  forget() {
    this.expected.clear();
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  take(request, response) {
    const chunks = [];
    request.on('data', (bytes) => chunks.push(bytes));
    request.on('end', () => {
      const at = performance.now();
      this.arrived += 1;
      const { to, text } = JSON.parse(Buffer.concat(chunks).toString());
      const resolve = this.expected.get(to[0]);
      this.expected.delete(to[0]);
      resolve?.({ at, code: CODE.exec(text)?.[0] });
      const answer = () => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(`{"id":"mail-${this.arrived}"}`);
      };
      if (this.latencyMs === 0) answer();
      else setTimeout(answer, this.latencyMs);
    });
  }
}
