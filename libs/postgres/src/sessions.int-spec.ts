import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connectClient, createPool } from '@app/postgres/postgres.js';
import { relayTo } from '@app/postgres/testing/tcp-relay.js';
import { poolTransactions } from '@app/postgres/testing/transaction-pooler.js';
import { ConfigurationError } from '@app/process';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { DatabaseUnavailable } from './database.js';
import type { Database } from './database.js';
import { requireSessions } from './sessions.js';

describe('what a start asks of its connections', () => {
  let fresh: FreshDatabase;
  const cleanUps: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase();
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(() => fresh.drop());

  function through(url: string): Database {
    const database = createPool(url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 2_000,
      allowUnconfirmed: true,
    });
    cleanUps.push(() => database.close());
    return database;
  }

  it('is fulfilled by PostgreSQL itself, and through a relay that keeps connections apart', async () => {
    const relay = await relayTo(fresh.url);
    cleanUps.push(() => relay.close());
    await requireSessions(through(fresh.url));
    await requireSessions(through(relay.url));
  });

  it('is not fulfilled by a pooler that lends connections for a transaction', async () => {
    const pooler = await poolTransactions(fresh.url);
    cleanUps.push(() => pooler.close());
    const database = through(pooler.url);
    const failing = requireSessions(database);
    await expect(failing).rejects.toThrow(ConfigurationError);
    await expect(failing).rejects.toThrow(
      /  - DATABASE_URL leads through a connection pooler that lends/,
    );
    // Not because nothing gets through.
    expect((await database.query({ text: 'select 1' })).rowCount).toBe(1);
  });

  it('is not fulfilled by a pooler with a single connection', async () => {
    const pooler = await poolTransactions(fresh.url, 1);
    cleanUps.push(() => pooler.close());
    await expect(requireSessions(through(pooler.url))).rejects.toThrow(ConfigurationError);
  });

  it('is not fulfilled by a pooler whose connections are in use by others meanwhile', async () => {
    const pooler = await poolTransactions(fresh.url);
    cleanUps.push(() => pooler.close());
    const others = through(pooler.url);
    let done = false;
    const busy = [1, 2].map(async () => {
      while (!done)
        await others.inTransaction((by) => by.query({ text: 'select pg_sleep(0.005)' }));
    });
    await expect(requireSessions(through(pooler.url))).rejects.toThrow(ConfigurationError);
    done = true;
    await Promise.all(busy);
  });

  it('is not fulfilled by a server that takes no writes, whether or not it answers', async () => {
    const readOnly = await freshDatabase();
    cleanUps.push(() => readOnly.drop());
    const name = new URL(readOnly.url).pathname.slice(1);
    await through(fresh.url).query({
      text: `alter database ${name} set default_transaction_read_only = on`,
    });
    const database = through(readOnly.url);
    expect((await database.query({ text: 'select 1' })).rowCount).toBe(1);
    await expect(database.checkAvailable()).rejects.toThrow(/it is read-only/);
    const wanting = through(`${readOnly.url}?target_session_attrs=read-write`);
    await expect(wanting.query({ text: 'select 1' })).rejects.toThrow(/it is read-only/);
    await expect(wanting.openSession('spec')).rejects.toThrow(/it is read-only/);
  });

  it('is unknown while the database does not answer', async () => {
    await expect(requireSessions(through('postgres://127.0.0.1:1/none'))).rejects.toThrow(
      DatabaseUnavailable,
    );
  });

  it('goes to the next host when the first is gone, for statements, sessions and migrations alike', async () => {
    const first = await relayTo(fresh.url);
    const second = await relayTo(fresh.url);
    cleanUps.push(() => second.close());
    const host = (url: string) => new URL(url).host;
    const both = first.url.replace(host(first.url), `${host(first.url)},${host(second.url)}`);
    const database = through(both);
    const session = await database.openSession('spec');
    const lost = new Promise((resolve) => session.onLost(resolve));
    await database.query({ text: 'select 1' });
    await first.close();
    await expect(lost).resolves.toBeInstanceOf(DatabaseUnavailable);
    const again = await database.openSession('spec');
    expect((await again.query({ text: 'select 1' })).rowCount).toBe(1);
    await again.close();
    // A connection of the pool to the first host may still be there, and broken.
    await database.query({ text: 'select 1' }).catch(() => undefined);
    expect((await database.query({ text: 'select 1' })).rowCount).toBe(1);
    const client = await connectClient(both, 'spec');
    await client.end();
  });
});
