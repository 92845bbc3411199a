import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { accountStreamName } from '@app/accounts';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { migrate } from '@app/postgres/migrate.js';
import { startEmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import { AccountClient, newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { MailProvider } from '../mail/mail-provider.js';
import type { Registered } from '../mail/mail-provider.js';
import { eventually } from '../support/eventually.js';
import { startProductOnDevEventStore } from '../support/product.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import type { Product } from '../support/product.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { temporaryFolder } from '../support/run-folder.js';
import { WallClock } from '../support/wall-clock.js';

const run = promisify(execFile);

/** What the mailbox does to one recipient; see its README. */
type Trouble = Readonly<Record<string, unknown>>;

export interface Victim {
  readonly account: Registered;
  readonly isRefused: boolean;
}

/** The product with two workers, on a PostgreSQL and an event store of its own, and what can go wrong with it. */
export class World {
  readonly client: AccountClient;
  readonly provider: MailProvider;
  /** Whose mails are in trouble; the provider never takes those of them that it refuses. */
  readonly victims: Promise<Victim>[] = [];
  private readonly store: EventStoreDBEventStore;
  private readonly stopping = new AbortController();
  private troubles: readonly Trouble[] = [];

  private constructor(
    readonly product: Product<DevEventStore>,
    private postgres: EmbeddedPostgres,
    private readonly postgresFolder: string,
    private readonly wallClock: WallClock,
  ) {
    this.client = new AccountClient(product.endpoints.api);
    this.provider = new MailProvider(product.endpoints.mailbox);
    this.store = new EventStoreDBEventStore({ url: product.endpoints.eventstore });
  }

  static async start(): Promise<World> {
    const folder = temporaryFolder('pairs');
    const postgres = await startPostgres(folder, 0);
    await migrate(postgres.url);
    const wallClock = new WallClock(0);
    const product = await startProductOnDevEventStore({
      workers: 2,
      environment: { DATABASE_URL: postgres.url, CODE_RESEND_SECONDS: '1' },
      api: wallClock.environment,
      worker: wallClock.environment,
    });
    return new World(product, postgres, folder, wallClock);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.store.close();
    await this.product.stop();
    await this.postgres.stop();
  }

  /** Registers as a client does: again after a moment, as long as the answer is no 202. */
  async register(caller: Credentials = newCaller()): Promise<Registered> {
    for (;;) {
      this.stopping.signal.throwIfAborted();
      const answer = await this.client.register(caller).catch(() => undefined);
      if (answer?.status === 202) return { ...caller, accountId: String(answer.body['accountId']) };
      if (answer && answer.status < 500) throw new Error(`registering: ${answer.text}`);
      await pause(100);
    }
  }

  /** The provider does this to the mails of a new account. */
  async troubleRecipient(trouble: Trouble, refused?: 'is refused'): Promise<() => Promise<void>> {
    const caller = newCaller();
    const own = { to: caller.email, ...trouble };
    await this.setTroubles([...this.troubles, own]);
    const victim = this.register(caller).then((account) => ({ account, isRefused: !!refused }));
    // The test meets a failure when it looks at its victims.
    victim.catch(() => undefined);
    this.victims.push(victim);
    return () => this.setTroubles(this.troubles.filter((one) => one !== own));
  }

  private async setTroubles(troubles: readonly Trouble[]): Promise<void> {
    this.troubles = troubles;
    await this.provider.faults({ recipients: troubles });
  }

  /** The worker that feeds the saga of activation mails. */
  leader(): Promise<RestartableApp> {
    return eventually(
      async () => {
        for (const worker of this.product.workers) {
          const answer = await fetch(`${worker.url('internal')}/health/ready`, {
            signal: AbortSignal.timeout(1_000),
          }).catch(() => undefined);
          const health = (await answer?.json()) as
            | { consumers?: Record<string, { state: string }> }
            | undefined;
          const state = health?.consumers?.['activation-mail']?.state;
          if (state && state !== 'standby' && state !== 'stopped') return worker;
        }
        throw new Error('no worker feeds the saga of activation mails');
      },
      { within: 20_000 },
    );
  }

  async failDatabaseOver(): Promise<void> {
    const { port } = this.postgres;
    this.postgres.kill();
    await this.postgres.exited;
    this.postgres = await startPostgres(this.postgresFolder, port);
  }

  /** The wall clocks of the API and both workers jump to so many milliseconds beside the true time. */
  async shiftWallClocks(milliseconds: number): Promise<void> {
    const { api, workers } = this.product;
    this.wallClock.set(
      milliseconds,
      [api, ...workers].map(({ pid }) => pid),
    );
  }

  /** No file of the event store may grow for so long. */
  async fillDiskOfEventStore(milliseconds: number): Promise<void> {
    const { eventStore } = this.product;
    const { size } = statSync(join(eventStore.dataDir, 'events.log'));
    const { pid } = eventStore;
    await run('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`]);
    await pause(milliseconds);
    // A store that was killed meanwhile took its limit with it.
    if (existsSync(`/proc/${pid}`)) {
      await run('prlimit', ['--pid', String(pid), '--fsize=unlimited']);
    }
  }

  /** As a newer version of the product may append, while this one still runs. */
  async appendUnknownEvent(): Promise<void> {
    const { accountId } = await this.register();
    const streamName = accountStreamName(accountId);
    const event = {
      id: randomUUID(),
      type: 'SomethingOfTheFuture',
      data: { any: 'thing' },
      metadata: {
        schemaVersion: 1,
        $correlationId: randomUUID(),
        $causationId: randomUUID(),
        actor: 'worker',
      },
    };
    await eventually(
      async () => {
        let revision: bigint | undefined;
        for await (const known of this.store.readStream(streamName)) revision = known.revision;
        await this.store.append(streamName, revision ?? 'no-stream', [event]);
      },
      { within: 20_000, every: 100 },
    );
  }
}

function startPostgres(folder: string, port: number): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: join(folder, 'postgres'),
    port,
    log: { info: () => undefined, warn: () => undefined },
  });
}
