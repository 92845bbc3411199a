import type { AccountEvent } from '@app/accounts';
import { EVENT_STORE } from '@app/event-store';
import type { EventCodec, EventStore } from '@app/event-store';
import {
  ACCOUNT_EVENT_CODEC,
  AccountKeys,
  anonymousAccountCodec,
  QuarantineCodec,
} from '@app/personal-data';
import { ProjectionRebuild } from '@app/consumers';
import { Problem } from '@app/http-service';
import type { Database } from '@app/postgres';
import { projections } from '@app/views';
import type { ProjectionConsumer } from '@app/views';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { adminProblems } from '../../admin-problems.js';
import { REBUILD_DATABASE } from '../../admin.tokens.js';

/** An operator has the rows of a projection built anew; answers the id of the rebuild. */
export class RebuildProjectionCommand extends Command<string> {
  constructor(
    readonly projection: string,
    readonly switchWhenDifferent: boolean,
    readonly caller: Caller,
  ) {
    super();
  }
}

/** Builds the rows in this process, while the old ones serve. */
@CommandHandler(RebuildProjectionCommand)
export class RebuildProjectionHandler
  implements ICommandHandler<RebuildProjectionCommand>, OnModuleDestroy
{
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(ACCOUNT_EVENT_CODEC) private readonly codec: EventCodec<AccountEvent>,
    @Inject(REBUILD_DATABASE) private readonly database: Database,
    @Inject(LOG) private readonly log: Log,
    private readonly keys: AccountKeys,
  ) {}

  /**
   * Resolves when the rebuild has begun; how it goes stands in its record.
   *
   * @throws Problem projection-not-found
   * @throws RebuildRunning, NothingToRebuild, DatabaseUnavailable
   */
  async execute(command: RebuildProjectionCommand): Promise<string> {
    const { caller, switchWhenDifferent } = command;
    const projection = projectionNamed(command.projection);
    const rebuild = await ProjectionRebuild.begin({
      projection,
      store: this.store,
      codec:
        projection.reader ??
        (projection.holdsPersonalData ? this.quarantining(projection.name) : anonymousAccountCodec),
      database: this.database,
      startedBy: actorOf(caller),
      switchWhenDifferent,
      signal: this.stopping.signal,
    });
    const log = this.log.child({ projection: projection.name, rebuildId: rebuild.rebuildId });
    const ended = rebuild.run().then(
      ({ state, events, before, after }) =>
        log.info(
          { state, events, rowsBefore: String(before.rows), rowsAfter: String(after.rows) },
          'a rebuild has ended',
        ),
      (error: unknown) => log.error({ err: error }, 'a rebuild failed; the old rows go on serving'),
    );
    this.running.add(ended);
    void ended.finally(() => this.running.delete(ended));
    return rebuild.rebuildId;
  }

  /** As the worker reads: one account that cannot be read must not keep all others from being built anew. */
  private quarantining(name: string): QuarantineCodec {
    return new QuarantineCodec(this.codec, {
      keys: this.keys,
      database: this.database,
      consumer: `${name} rebuild`,
      onQuarantined: (accountId, error) =>
        this.log.error({ accountId, err: error }, 'an account cannot be read and is quarantined'),
    });
  }

  /** A rebuild under way is given up. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort(new Error('the process was stopped'));
    await Promise.all(this.running);
  }
}

/** @throws Problem projection-not-found */
function projectionNamed(name: string): ProjectionConsumer {
  const found = projections.find((projection) => projection.name === name);
  if (found === undefined) {
    const names = projections.map((projection) => projection.name).join(', ');
    throw new Problem(adminProblems.projectionNotFound, `The projections are ${names}.`);
  }
  return found;
}
