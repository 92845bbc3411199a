import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startPeer, startProduct } from './processes.mjs';

/** Passes every rule on passwords that any of the systems has. */
export const PASSWORD = 'purple-lantern-orbit-42';

const run = randomBytes(3).toString('hex');
let people = 0;

/** An address that was not used before. */
export function newAddress() {
  people += 1;
  return `person${people}.${run}@bench.example`;
}

export function basicAuth(address, password = PASSWORD) {
  return `Authorization: Basic ${Buffer.from(`${address}:${password}`).toString('base64')}\r\n`;
}

/** The service had no room for one more password at the moment: to be tried again. */
class TurnedAway extends Error {}

function expect(status, answer, what) {
  if (answer.status === status) return answer;
  if (answer.status === 503) throw new TurnedAway(`${what} was answered 503: ${answer.body}`);
  throw new Error(`${what} was answered ${answer.status}: ${answer.body.slice(0, 300)}`);
}

/** The calls of the product's API; the plain service has the same. */
const accountsApi = {
  async register(connection, address) {
    const body = `{"email":"${address}","password":"${PASSWORD}"}`;
    const answer = await connection.request('POST', '/v1/accounts', '', body);
    return JSON.parse(expect(202, answer, 'a registration').body);
  },
  /** Proves the code and the password in one call. */
  async activate(connection, address, code) {
    const headers = basicAuth(address);
    const body = `{"code":"${code}"}`;
    const answer = await connection.request('POST', '/v1/account/activation', headers, body);
    expect(200, answer, 'an activation');
  },
  async makeUsable(connection, address, code) {
    await this.activate(connection, address, code);
  },
  async signIn(connection, address) {
    const headers = basicAuth(address);
    expect(200, await connection.request('GET', '/v1/account', headers), 'a sign-in');
    return headers;
  },
  async read(connection, headers) {
    expect(200, await connection.request('GET', '/v1/account', headers), 'a read');
  },
};

const ORIGIN = 'Origin: http://127.0.0.1\r\n';

const betterAuthApi = {
  async register(connection, address) {
    const body = `{"name":"Person","email":"${address}","password":"${PASSWORD}"}`;
    const answer = await connection.request('POST', '/api/auth/sign-up/email', ORIGIN, body);
    return JSON.parse(expect(200, answer, 'a registration').body);
  },
  /** Proves the code only. */
  async activate(connection, address, code) {
    const path = '/api/auth/email-otp/verify-email';
    const body = `{"email":"${address}","otp":"${code}"}`;
    expect(200, await connection.request('POST', path, ORIGIN, body), 'an activation');
  },
  async makeUsable(connection, address, code) {
    await this.activate(connection, address, code);
    await this.signIn(connection, address);
  },
  async signIn(connection, address) {
    const body = `{"email":"${address}","password":"${PASSWORD}"}`;
    const path = '/api/auth/sign-in/email';
    const { head } = expect(200, await connection.request('POST', path, ORIGIN, body), 'a sign-in');
    const cookies = [...head.matchAll(/\r\nset-cookie: *([^;\r]+)/gi)].map(([, cookie]) => cookie);
    return `Cookie: ${cookies.join('; ')}\r\n`;
  },
  async read(connection, headers) {
    const answer = await connection.request('GET', '/api/auth/get-session', headers);
    if (expect(200, answer, 'a read').body === 'null') throw new Error('the session is not known');
  },
};

const RETRY_MS = 50;

/** Tries again, as a client does after an answer with Retry-After. */
async function patiently(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TurnedAway)) throw error;
      await pause(RETRY_MS);
    }
  }
}

function patient(api) {
  return Object.fromEntries(
    Object.entries(api).map(([name, call]) => [
      name,
      (...values) => patiently(() => call.apply(api, values)),
    ]),
  );
}

/** A started system together with how it is called. */
export const callable = {
  ours: (started) => ({ ...started, ...patient(accountsApi) }),
  plain: (started) => ({ ...started, ...patient(accountsApi) }),
  betterAuth: (started) => ({ ...started, ...patient(betterAuthApi) }),
};

/**
 * The product and its peers, ready to be called.
 *
 * @param shared what each of them is started with: `{ postgres, mailUrl, settings }`
 * @param own the product's name, and settings of its own
 */
export async function startWithPeers(stage, shared, { name, settings = {} }) {
  const peer = (peerName, script) => startPeer(stage, { ...shared, name: peerName, script });
  return {
    plain: callable.plain(await peer('plain', 'plain-service.mjs')),
    'better-auth': callable.betterAuth(await peer('better-auth', 'better-auth-service.mjs')),
    ours: callable.ours(
      await startProduct(stage, { ...shared, name, settings: { ...shared.settings, ...settings } }),
    ),
  };
}
