import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { EventStoreDBClient, NO_STREAM, jsonEvent } from '@eventstore/db-client';
import pg from 'pg';
import { closedLoop } from './load.mjs';
import { createDatabase, here, root } from './processes.mjs';

const CALLERS = 64;
/** Any credentials select the unary call of the client; its call for many appends is not the one that the product makes. */
const UNARY = { credentials: { username: 'any', password: 'any' } };
const COPIED_ROWS = 100_000;

/**
 * What this machine does at most, measured in the same run as everything else: each limit once, when it is
 * first asked for.
 */
export class Limits {
  constructor(context, report) {
    this.context = context;
    this.report = report;
    this.known = new Map();
  }

  /** Calls a second of an echo on Nest and Fastify. */
  echo() {
    return this.once('echo, Nest on Fastify', '1/s', async (rounds, seconds) => {
      const service = await this.context.stage.start('echo', join(here, 'echo-service.mjs'), {
        NODE_ENV: 'production',
      });
      const round = async () => {
        const { perSecond } = await closedLoop({
          url: service.endpoints.api,
          callers: CALLERS,
          seconds,
          work: (connection) => connection.request('POST', '/echo', '', '{"email":"a@b.example"}'),
        });
        return perSecond;
      };
      const measured = await repeated(rounds, round);
      await this.context.stage.stop(service);
      return measured;
    });
  }

  /** Rows a second that a pool of 10 inserts one by one, each committed. */
  inserts() {
    return this.once('PostgreSQL insert, one by one', '1/s', (rounds, seconds) =>
      this.withTable((pool) =>
        repeated(rounds, () =>
          loop(10, seconds, () =>
            pool.query({
              name: 'insert',
              text: 'insert into limit_of_inserts values ($1, $2, $3)',
              values: [randomUUID(), `${randomUUID()}@bench.example`, new Date()],
            }),
          ),
        ),
      ),
    );
  }

  /** Rows a second of COPY into a table with two indexes. */
  copies() {
    return this.once('PostgreSQL COPY', '1/s', (rounds) =>
      this.withTable(async (pool) => {
        const file = join(this.context.postgresFolder, 'copied-rows');
        await pool.query(`copy (select gen_random_uuid(), md5(n::text) || n || '@bench.example', now()
          from generate_series(1, ${COPIED_ROWS}) as n) to '${file}'`);
        return repeated(rounds, async () => {
          await pool.query('truncate limit_of_inserts');
          const startedAt = performance.now();
          await pool.query(`copy limit_of_inserts from '${file}'`);
          return COPIED_ROWS / ((performance.now() - startedAt) / 1_000);
        });
      }),
    );
  }

  /** Appends a second of two events to a new stream, by the official client and nothing else. */
  appends() {
    return this.once('bare event-store client, append', '1/s', async (rounds, seconds) => {
      const { stage } = this.context;
      const store = await stage.start(
        'bare-eventstore',
        join(root, 'dist/apps/local/src/event-store/main.js'),
        {
          EVENTSTORE_PORT: '0',
          EVENTSTORE_DATA_DIR: join(stage.folder, 'bare-eventstore'),
          LOG_LEVEL: 'error',
        },
      );
      const client = EventStoreDBClient.connectionString(store.endpoints.eventstore);
      const event = () => jsonEvent({ type: 'Measured', data: { padding: 'x'.repeat(400) } });
      const measured = await repeated(rounds, () =>
        loop(CALLERS, seconds, () =>
          client.appendToStream(`limit-${randomUUID()}`, [event(), event()], {
            ...UNARY,
            expectedRevision: NO_STREAM,
          }),
        ),
      );
      await client.dispose();
      await stage.stop(store);
      return measured;
    });
  }

  async once(name, unit, measure) {
    const { quick, rounds, progress } = this.context;
    if (!this.known.has(name)) {
      progress(`limit: ${name}`);
      const values = await measure(rounds, quick ? 0.5 : 1.5);
      this.known.set(name, this.report.figure({ name, unit, rounds: values }));
    }
    return this.known.get(name);
  }

  async withTable(work) {
    const url = await createDatabase(this.context.postgres, `limits_${randomUUID().slice(0, 8)}`);
    const pool = new pg.Pool({ connectionString: url, max: 10 });
    await pool.query(`create table limit_of_inserts
      (id uuid primary key, email text not null unique, registered_at timestamptz not null)`);
    const result = await work(pool);
    await pool.end();
    return result;
  }
}

/** The first time does not count. */
async function repeated(rounds, measure) {
  await measure();
  const values = [];
  for (let round = 0; round < rounds; round += 1) values.push(await measure());
  return values;
}

async function loop(callers, seconds, work) {
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let calls = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        await work();
        calls += 1;
      }
    }),
  );
  return calls / ((performance.now() - startedAt) / 1_000);
}
