import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignUpPage } from './sign-up-page.js';

describe('The server of the sign-up page', () => {
  const page = new SignUpPage();
  let origin: string;

  beforeAll(async () => {
    origin = await page.listen('127.0.0.1', 0);
    page.callsAt('http://127.0.0.1:8080');
  });
  afterAll(() => page.close());

  it.each(['/', '/index.html', '/?from=a-mail', '/style.css', '/main.js'])(
    'has %s',
    async (path) => {
      const { status, headers } = await fetch(`${origin}${path}`);
      expect(status).toBe(200);
      expect(headers.get('Content-Security-Policy')).toContain("form-action 'none'");
    },
  );

  it('tells the page where the API is', async () => {
    const text = await (await fetch(origin)).text();
    expect(text).toContain('name="registration-api" content="http://127.0.0.1:8080"');
  });

  it.each(['/nothing', '/%', '/..%2f..%2fpackage.json'])('has nothing at %s', async (path) => {
    expect((await fetch(`${origin}${path}`)).status).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
    const { status, headers } = await fetch(origin, { method });
    expect([status, headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
  });
});
