import { concernsAllAccounts } from '@app/personal-data';
import { projections, sagas } from '@app/views';
import type { SagaName } from '@app/views';
import { reportProjections } from '@app/consumers';
import type { ProjectionStatus } from '@app/consumers';
import { SagaFeed } from './durable-sagas/saga-feed.js';
import type { SagaFeedOptions, SagaFeedStatus } from './durable-sagas/saga-feed.js';
import { RunningProjection } from './views/running-projection.js';
import type { RunningProjectionOptions } from './views/running-projection.js';

/** What a saga does with the events that its consumer definition names. */
export type Reaction = Pick<SagaFeedOptions, 'events' | 'gate' | 'windowSize'>;

/** Every consumer of the list, as this worker runs it. */
export class RunningConsumers {
  /** By name. */
  readonly projections: ReadonlyMap<string, RunningProjection>;
  /** By name. */
  readonly sagas: ReadonlyMap<string, SagaFeed>;

  private readonly stopping = new AbortController();
  private reporting: Promise<void> | undefined;

  constructor(
    private readonly shared: Omit<RunningProjectionOptions, 'projection'> &
      Pick<SagaFeedOptions, 'codec' | 'eventBus'>,
    reactions: Readonly<Record<SagaName, Reaction>>,
  ) {
    this.projections = new Map(
      projections.map((projection) => [
        projection.name,
        new RunningProjection({ ...shared, projection }),
      ]),
    );
    const concernsAll = (error: unknown) => concernsAllAccounts(shared.keys, error);
    this.sagas = new Map(
      sagas.map(({ name, streamNamePrefixes, eventTypes }) => {
        const reaction = reactions[name];
        assertSame(name, eventTypes, Object.keys(reaction.events));
        const log = shared.log.child({ saga: name });
        const feed = { ...shared, ...reaction, name, streamNamePrefixes, log, concernsAll };
        return [name, new SagaFeed(feed)];
      }),
    );
  }

  /** To be called after the sagas are registered: earlier events would find no saga. */
  start(): void {
    for (const consumer of this.all()) consumer.start();
    const { database, log } = this.shared;
    this.reporting ??= reportProjections({
      database,
      projections: this.projections,
      signal: this.stopping.signal,
      onFault: (error) => log.warn({ err: error }, 'a report on the projections was missed'),
    });
  }

  /** Finishes what is under way: another worker may take over then. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.reporting, ...this.all().map((consumer) => consumer.stop())]);
  }

  /** For health checks, by the name of the consumer. */
  get statuses(): ReadonlyMap<string, ProjectionStatus | SagaFeedStatus> {
    const named = [...this.projections, ...this.sagas];
    return new Map(named.map(([name, { status }]) => [name, status]));
  }

  private all(): readonly (RunningProjection | SagaFeed)[] {
    return [...this.projections.values(), ...this.sagas.values()];
  }
}

/** Operators and documents rely on the list of consumers. */
function assertSame(name: string, listed: ReadonlySet<string>, reactedTo: readonly string[]): void {
  if (reactedTo.length === listed.size && reactedTo.every((type) => listed.has(type))) return;
  throw new TypeError(`saga ${name} reacts to other events than the list of consumers says`);
}
