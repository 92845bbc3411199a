import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { DatabaseUnavailable } from '@app/postgres';
import type { FailingEventCount, ProjectionStatus } from '@app/consumers';
import type { StatisticCounts } from '@app/views';
import type { SagaFeed } from './durable-sagas/saga-feed.js';
import type { MailProviders } from './mail-delivery/mail-providers.js';

export interface MeasuredWork {
  /** By name. */
  readonly consumers: {
    readonly projections: ReadonlyMap<
      string,
      { readonly status: Pick<ProjectionStatus, 'state' | 'lagMs'> }
    >;
    readonly sagas: ReadonlyMap<string, Pick<SagaFeed, 'status'>>;
  };
  readonly mailProviders: Pick<MailProviders, 'status'>;
  /** @throws DatabaseUnavailable: the figure is left out then */
  countUnreadableAccounts(): Promise<number>;
  /** @throws DatabaseUnavailable: the figure is left out then */
  countFailingEvents(): Promise<readonly FailingEventCount[]>;
  /** @throws DatabaseUnavailable: the figures are left out then */
  countRecentEvents(): Promise<StatisticCounts>;
}

/** Figures that show whether this worker keeps up. */
export function measureWork(registry: Registry, work: MeasuredWork): void {
  const { mailProviders, consumers } = work;
  const { projections, sagas } = consumers;
  const registers = [registry];
  new Gauge({
    name: 'projection_lag_seconds',
    help: 'How far the rows are behind the log; absent on a worker that stands by',
    labelNames: ['projection'],
    registers,
    collect() {
      this.reset();
      for (const [projection, { status }] of projections) {
        if (status.lagMs !== undefined) this.set({ projection }, status.lagMs / 1_000);
      }
    },
  });
  new Gauge({
    name: 'unreadable_accounts',
    help: 'Accounts whose keys or sealed data cannot be read although their person was not forgotten',
    registers,
    async collect() {
      const count = await unlessUnavailable(work.countUnreadableAccounts());
      if (count === undefined) this.remove();
      else this.set(count);
    },
  });
  new Gauge({
    name: 'failed_events',
    help: 'Events that a consumer cannot handle and tries again; all others go on',
    labelNames: ['consumer', 'type', 'reason'],
    registers,
    async collect() {
      const failing = await unlessUnavailable(work.countFailingEvents());
      this.reset();
      if (failing === undefined) return;
      // Also while no event fails: an alert finds its figure.
      for (const consumer of [...projections.keys(), ...sagas.keys()]) {
        this.set({ consumer, type: '', reason: '' }, 0);
      }
      for (const { count, ...labels } of failing) this.set(labels, count);
    },
  });
  new Gauge({
    name: 'recent_account_events',
    help: 'Events of the last 15 minutes, by what the statistics count; every worker shows the same',
    labelNames: ['event'],
    registers,
    async collect() {
      const counts = await unlessUnavailable(work.countRecentEvents());
      this.reset();
      for (const [event, count] of Object.entries(counts ?? {})) this.set({ event }, count);
    },
  });
  new Gauge({
    name: 'saga_commands_in_flight',
    help: 'Commands of the saga that are under way',
    labelNames: ['saga'],
    registers,
    collect() {
      for (const [saga, { status }] of sagas) this.set({ saga }, status.inFlight);
    },
  });
  new Gauge({
    name: 'saga_lag_seconds',
    help: 'How long ago the oldest event that is not acted upon yet was recorded; 0 when there is none, absent while that is not known',
    labelNames: ['saga'],
    registers,
    collect() {
      this.reset();
      for (const [saga, { status }] of sagas) {
        if (status.lagMs !== undefined) this.set({ saga }, status.lagMs / 1_000);
      }
    },
  });
  new Gauge({
    name: 'saga_checkpoint_position',
    help: 'Everything in the log up to here has been acted upon; absent before the first checkpoint',
    labelNames: ['saga'],
    registers,
    collect() {
      this.reset();
      for (const [saga, { status }] of sagas) {
        if (status.position !== undefined) this.set({ saga }, Number(status.position));
      }
    },
  });
  new Gauge({
    name: 'mail_provider_state',
    help: '1 for the state that the breaker in front of the e-mail provider is in',
    labelNames: ['provider', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { name, state } of mailProviders.status) this.set({ provider: name, state }, 1);
    },
  });
  new Counter({
    name: 'mail_provider_outages_total',
    help: 'How often the e-mail provider went from working to being left alone',
    labelNames: ['provider'],
    registers,
    collect() {
      this.reset();
      for (const { name, outages } of mailProviders.status) this.inc({ provider: name }, outages);
    },
  });
  new Counter({
    name: 'mail_provider_tries_total',
    help: 'Tries to hand a mail over, by what became of them',
    labelNames: ['provider', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { name, accepted, refused, failed } of mailProviders.status) {
        for (const [outcome, count] of Object.entries({ accepted, refused, failed })) {
          this.inc({ provider: name, outcome }, count);
        }
      }
    },
  });
  new Gauge({
    name: 'consumer_state',
    help: '1 for the state that the consumer is in',
    labelNames: ['consumer', 'state'],
    registers,
    collect() {
      this.reset();
      for (const [consumer, { status }] of [...projections, ...sagas]) {
        this.set({ consumer, state: status.state }, 1);
      }
    },
  });
}

/** Undefined while the database is away. */
async function unlessUnavailable<Figure>(figure: Promise<Figure>): Promise<Figure | undefined> {
  try {
    return await figure;
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return undefined;
    throw error;
  }
}
