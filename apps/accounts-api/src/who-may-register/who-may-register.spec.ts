import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { InvalidAddress } from '@app/accounts';
import { loadConfiguration } from '@app/process';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Captcha, CaptchaUnavailable } from './captcha.js';
import { Domains, refusedDomainsSetting, registrationSetting } from './domains.js';
import { CaptchaNotPassed, RegistrationClosed, RegistrationGate } from './registration-gate.js';

const refused = async (gate: RegistrationGate, token?: string) =>
  gate.assertPerson(token).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('Who may register', () => {
  it.each([
    ['ada@example.org', true],
    ['Ada@EXAMPLE.org', true],
    ['ada@mail.example.org', false],
    ['ada@notexample.org', false],
    ['ada@straße.example', true],
    ['ada@xn--strae-oqa.example', true],
    ['ada@a.teams.example', true],
    ['ada@a.b.teams.example', true],
    ['ada@teams.example', false],
    ['"a@example.org"@other.example', false],
  ])('%s by the list of domains: %s', (email, may) => {
    const registration = new Domains(['example.org', 'Straße.example', '*.teams.example']);
    const gate = new RegistrationGate({ registration });
    if (email.startsWith('"')) expect(() => gate.faultsOf(email)).toThrow(InvalidAddress);
    else expect(gate.faultsOf(email)).toHaveLength(may ? 0 : 1);
  });

  it('is answered at the field, and says nothing of accounts', () => {
    const refusedDomains = new Domains(['throw-away.example', '*.throw-away.example']);
    const gate = new RegistrationGate({ registration: 'open', refusedDomains });
    expect(gate.faultsOf('ada@example.org')).toEqual([]);
    for (const email of ['ada@throw-away.example', 'ada@x.throw-away.example']) {
      expect(gate.faultsOf(email)).toEqual([
        {
          field: 'email',
          code: 'domain-not-admitted',
          message: 'Addresses of this domain cannot register; use another one.',
        },
      ]);
    }
  });

  it('is no caller while it is closed', () => {
    expect(() => new RegistrationGate({ registration: 'closed' }).assertOpen()).toThrow(
      RegistrationClosed,
    );
    expect(() => new RegistrationGate({ registration: 'open' }).assertOpen()).not.toThrow();
  });
});

describe('The settings', () => {
  const read = (value: string) =>
    loadConfiguration({ REGISTRATION: registrationSetting }, { REGISTRATION: value }).REGISTRATION;

  it.each(['open', 'closed', ' Open '])('take the word %s', (word) => {
    expect(read(word)).toBe(word.trim().toLowerCase());
  });

  it('take domains', () => {
    const domains = read('example.org, *.example.com');
    expect(domains instanceof Domains && domains.hasThatOf('ada@a.example.com')).toBe(true);
  });

  it.each(['opne please', '@example.org', ',', '*', 'exa mple.org'])('refuse %j', (value) => {
    expect(() => read(value)).toThrow('REGISTRATION is not valid: must name domains such as');
  });

  it('take a list as it is published', () => {
    const { REFUSED_DOMAINS: domains } = loadConfiguration(
      { REFUSED_DOMAINS: refusedDomainsSetting },
      { REFUSED_DOMAINS: '# throw-away\r\none.example\n\ntwo.example\n' },
    );
    const found = ['a@one.example', 'a@b.two.example', 'a@three.example'].map((email) =>
      domains.hasThatOf(email),
    );
    expect(found).toEqual([true, true, false]);
  });
});

describe('A captcha', () => {
  const open: Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  /** A provider that takes each token once. */
  async function provider(answer?: { status: number; body: string } | 'silence') {
    const timeoutMs = answer === 'silence' ? 100 : 20_000;
    const asked: URLSearchParams[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const form = new URLSearchParams(body);
        asked.push(form);
        if (answer === 'silence') return;
        const isFirst =
          asked.filter((one) => one.get('response') === form.get('response')).length === 1;
        const success =
          form.get('secret') === 'our-key' && form.get('response') === 'token' && isFirst;
        response.writeHead(answer?.status ?? 200, { 'Content-Type': 'application/json' });
        response.end(answer?.body ?? JSON.stringify({ success, 'error-codes': [] }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    const verifyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/siteverify`;
    const captcha = new Captcha({ verifyUrl, secret: 'our-key', timeoutMs });
    return { asked, gate: new RegistrationGate({ registration: 'open', captcha }) };
  }

  it('is passed once with its token', async () => {
    const { gate, asked } = await provider();
    expect(await refused(gate, 'token')).toBeUndefined();
    expect(await refused(gate, 'token')).toBeInstanceOf(CaptchaNotPassed);
    expect(await refused(gate, 'made up')).toBeInstanceOf(CaptchaNotPassed);
    expect(asked.map((form) => [...form.keys()])).toEqual(Array(3).fill(['secret', 'response']));
  });

  it('without a token is not worth a question', async () => {
    const { gate, asked } = await provider();
    expect(await refused(gate)).toBeInstanceOf(CaptchaNotPassed);
    expect(asked).toEqual([]);
  });

  it.each([
    [{ status: 500, body: '{}' }],
    [{ status: 200, body: 'no JSON' }],
    [{ status: 200, body: '{"success":"yes"}' }],
    ['silence'],
  ] as const)('that cannot be verified lets no registration through: %j', async (answer) => {
    const { gate } = await provider(answer);
    const error = await refused(gate, 'token');
    expect(error).toBeInstanceOf(CaptchaUnavailable);
    expect(String(error)).not.toMatch(/our-key|token|ada@/);
  });
});
