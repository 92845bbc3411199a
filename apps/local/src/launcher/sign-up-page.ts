import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { productFolder } from '@app/process';

const FOLDER = join(productFolder(), 'dist/sign-up');

const TYPES = {
  '/index.html': 'text/html; charset=utf-8',
  '/style.css': 'text/css; charset=utf-8',
  '/main.js': 'text/javascript; charset=utf-8',
} as const;

const isFile = (path: string): path is keyof typeof TYPES => path in TYPES;

/** What a captcha's provider gives pages. */
export interface CaptchaWidget {
  readonly scriptUrl: string;
  readonly siteKey: string;
}

/** Serves the sign-up page at an origin of its own, as a team would beside the API. Any static web server can do it. */
export class SignUpPage {
  private readonly server: Server;
  private api = '';

  constructor(private readonly captcha?: CaptchaWidget) {
    this.server = createServer(({ method, url = '/' }, response) => {
      if (method !== 'GET' && method !== 'HEAD') {
        refuse(response, 405, 'Only GET and HEAD are taken here.', { Allow: 'GET, HEAD' });
        return;
      }
      const [path = '/'] = url.split('?');
      this.answer(path === '/' ? '/index.html' : path, response);
    });
  }

  /**
   * @param port 0 for any free one
   * @returns its origin
   */
  async listen(host: string, port: number): Promise<string> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    const { address, family, port: taken } = this.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  }

  /** @param api URL of the API that the page calls */
  callsAt(api: string): void {
    this.api = api;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(path: string, response: ServerResponse): void {
    if (!isFile(path)) {
      refuse(response, 404, 'Nothing is at this path.');
      return;
    }
    const content = readFileSync(join(FOLDER, path), 'utf8');
    const settings = {
      'registration-api': this.api,
      'captcha-script': this.captcha?.scriptUrl ?? '',
      'captcha-site-key': this.captcha?.siteKey ?? '',
    };
    const widget = this.captcha ? ` ${new URL(this.captcha.scriptUrl).origin}` : '';
    response.writeHead(200, {
      'Content-Type': TYPES[path],
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Content-Security-Policy':
        `default-src 'none'; script-src 'self'${widget}; style-src 'self'; img-src data:; ` +
        `connect-src 'self' ${this.api}${widget}; ${widget && `frame-src${widget}; `}` +
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    });
    response.end(
      Object.entries(settings).reduce(
        (page, [name, value]) =>
          page.replace(`name="${name}" content=""`, () => `name="${name}" content="${value}"`),
        content,
      ),
    );
  }
}

function refuse(response: ServerResponse, status: number, why: string, headers = {}): void {
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain' }).end(`${why}\n`);
}
