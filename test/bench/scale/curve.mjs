/** What callers and operators wait for, with few accounts and with many. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { EventStoreDBClient } from '@eventstore/db-client';
import { accountStreamName, addressKeyOf } from '../../../dist/modules/libs/accounts/src/index.js';
import { EventStoreDBEventStore } from '../../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';
import {
  AccountEventCodec,
  AccountKeys,
} from '../../../dist/modules/libs/personal-data/src/index.js';
import { AccountHistory } from '../../../dist/modules/apps/accounts-admin/src/accounts/replay-account/account-history.js';
import { toEntry } from '../../../dist/modules/apps/accounts-admin/src/accounts/replay-account/replay-account.query.js';
import {
  addressOf,
  fateOf,
  longHistoryOf,
  password,
  provesPassword,
  registeredAtOf,
} from './account-lives.mjs';
import { percentile } from '../report/report.mjs';

const IN_PARALLEL = 8;

const random = (below) => Math.floor(Math.random() * below);

async function inParallel(count, work) {
  let begun = 0;
  await Promise.all(
    Array.from({ length: IN_PARALLEL }, async () => {
      while (begun < count) await work(begun++);
    }),
  );
}

/**
 * Registers so many new addresses and waits until each mail has been accepted.
 *
 * @returns milliseconds per registration, and milliseconds of processor time of each process
 */
export async function registrations(product, count) {
  const before = product.processorMs();
  const startedAt = performance.now();
  const wave = randomBytes(6).toString('hex');
  let position = 0n;
  await inParallel(count, async (number) => {
    const response = await fetch(`${product.url('api')}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `new-${wave}-${number}@example.net`, password }),
    });
    await response.arrayBuffer();
    if (response.status !== 202) throw new Error(`a registration was answered ${response.status}`);
    const { consistencyTokens } = product.secrets;
    const written = consistencyTokens.open(response.headers.get('consistency-token'));
    if (written.position > position) position = written.position;
  });
  await product.mailsSentUpTo(position);
  const ms = (performance.now() - startedAt) / count;
  const processorMs = new Map(
    [...product.processorMs()].map(([name, now]) => [name, (now - before.get(name)) / count]),
  );
  return { ms, processorMs };
}

/**
 * Owners look at their accounts: each of them once, so that the password is checked, and then again, when it
 * is remembered.
 *
 * @returns milliseconds per call
 */
export async function views(product, count) {
  const { dataSet } = product;
  const numbers = [];
  while (numbers.length < count) {
    const number = random(dataSet.accounts);
    if (provesPassword(number) && fateOf(number) !== 'erased') numbers.push(number);
  }
  const view = async (number) => {
    const credentials = Buffer.from(`${addressOf(number, dataSet)}:${password}`);
    const response = await fetch(`${product.url('api')}/v1/account`, {
      headers: { authorization: `Basic ${credentials.toString('base64')}` },
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`a view was answered ${response.status}`);
  };
  const timed = async () => {
    const startedAt = performance.now();
    await inParallel(count, (index) => view(numbers[index]));
    return (performance.now() - startedAt) / count;
  };
  return { first: await timed(), again: await timed() };
}

/** Histories as the admin process makes them, beside a bare read of the same streams by the official client as it comes. */
export class Histories {
  constructor(product) {
    this.dataSet = product.dataSet;
    this.accountIds = product.secrets.accountIds;
    this.store = new EventStoreDBEventStore({ url: product.url('eventstore'), timeoutMs: 30_000 });
    this.client = EventStoreDBClient.connectionString(product.url('eventstore'));
    const keys = new AccountKeys(product.database, product.secrets.personalDataKeys);
    this.history = new AccountHistory(this.store, new AccountEventCodec(keys));
  }

  accountIdOf(address) {
    return this.accountIds.accountIdOf(addressKeyOf(address));
  }

  /** Any account, another each time. */
  someAccount() {
    return this.accountIdOf(addressOf(random(this.dataSet.accounts), this.dataSet));
  }

  /** The account with so many refusals after its activation. */
  longAccount(refusals) {
    return this.accountIdOf(longHistoryOf(refusals, this.dataSet).address);
  }

  /**
   * The same accounts both ways, in turns.
   *
   * @returns milliseconds per account
   */
  async compared(accountIds) {
    let bare = 0;
    let replayed = 0;
    for (const [index, accountId] of accountIds.entries()) {
      // The second of the two reads finds the blocks of the log in memory.
      if (index % 2 === 0) bare += await timeOf(() => this.bareRead(accountId));
      replayed += await timeOf(() => this.replay(accountId));
      if (index % 2 === 1) bare += await timeOf(() => this.bareRead(accountId));
    }
    return { bare: bare / accountIds.length, replayed: replayed / accountIds.length };
  }

  async bareRead(accountId) {
    let events = 0;
    for await (const { event } of this.client.readStream(accountStreamName(accountId))) {
      if (event.type !== '') events += 1;
    }
    if (events === 0) throw new Error('nothing was read');
  }

  async replay(accountId) {
    let length = 0;
    for await (const event of this.history.replay(accountId)) {
      length += JSON.stringify(toEntry(event)).length;
    }
    if (length === 0) throw new Error('nothing was replayed');
  }

  async close() {
    await Promise.all([this.store.close(), this.client.dispose()]);
  }
}

async function timeOf(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Every page and query of operators, by name: what is asked changes from call to call. */
function adminQueries({ dataSet }) {
  const address = longHistoryOf(20, dataSet).address;
  const time = () => new Date(registeredAtOf(random(dataSet.accounts), dataSet)).toISOString();
  const hex = (length) => Array.from({ length }, () => random(16).toString(16)).join('');
  return new Map([
    ['newest 50', () => '/accounts'],
    ['oldest 200', () => '/accounts?sort=registeredAt&limit=200'],
    ['pending, newest', () => '/accounts?status=pending'],
    ['pending, within a time', () => `/accounts?status=pending&registeredFrom=${time()}`],
    ['from some time on', () => `/accounts?sort=registeredAt&registeredFrom=${time()}`],
    ['before some time', () => `/accounts?registeredTo=${time()}`],
    ['whole address', () => `/accounts?email=${address}`],
    ['beginning of 1 letter', () => `/accounts?email=${hex(1)}*`],
    ['beginning of 2 letters', () => `/accounts?email=${hex(2)}*`],
    ['beginning of 3, pending', () => `/accounts?email=${hex(3)}*&status=pending`],
    ['beginning of 4 letters', () => `/accounts?email=${hex(4)}*`],
    ['beginning of 6 letters', () => `/accounts?email=${hex(6)}*&limit=200`],
    ['beginning that came late', () => '/accounts?email=wave*&sort=registeredAt'],
    ['one account', () => `/accounts/${address}`],
    ['its history', () => `/accounts/${address}/history`],
    ['its state', () => `/accounts/${address}/state?revision=1`],
    ['mails, newest', () => '/activation-mails'],
  ]);
}

const WARM_UP = 10;

/**
 * Every admin query so many times, and so many pages in a row.
 *
 * @returns p50 and p99 in milliseconds, by name
 */
export async function adminPages(product, calls) {
  const found = new Map();
  for (const [name, path] of adminQueries(product)) {
    for (let call = 0; call < WARM_UP; call++) await product.admin(path());
    const times = [];
    for (let call = 0; call < calls; call++) times.push(await timeOf(() => product.admin(path())));
    found.set(name, summaryOf(times));
  }
  const times = [];
  let cursor;
  for (let page = 0; page < calls; page++) {
    const startedAt = performance.now();
    const { nextCursor } = await product.admin(
      `/accounts?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    times.push(performance.now() - startedAt);
    cursor = nextCursor;
  }
  found.set('page after page', summaryOf(times));
  return found;
}

function summaryOf(times) {
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
