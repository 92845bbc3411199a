import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { SagaFeed } from './durable-sagas/saga-feed.js';
import type { KeepAccounts } from './keep-accounts/keep-accounts.js';

/** Figures that tell whether this worker keeps up. */
export function measureWork(
  registry: Registry,
  keepAccounts: Pick<KeepAccounts, 'status'>,
  activationMail: Pick<SagaFeed, 'status'>,
): void {
  const registers = [registry];
  new Gauge({
    name: 'projection_lag_seconds',
    help: 'How far the rows are behind the log; absent on a worker that stands by',
    labelNames: ['projection'],
    registers,
    collect() {
      const { lagMs } = keepAccounts.status;
      this.reset();
      if (lagMs !== undefined) this.set({ projection: 'accounts' }, lagMs / 1_000);
    },
  });
  new Gauge({
    name: 'saga_commands_in_flight',
    help: 'Commands of the saga that are under way',
    labelNames: ['saga'],
    registers,
    collect() {
      this.set({ saga: 'activation-mail' }, activationMail.status.inFlight);
    },
  });
  new Gauge({
    name: 'consumer_state',
    help: '1 for the state that the consumer is in',
    labelNames: ['consumer', 'state'],
    registers,
    collect() {
      this.reset();
      this.set({ consumer: 'accounts', state: keepAccounts.status.state }, 1);
      this.set({ consumer: 'activation-mail', state: activationMail.status.state }, 1);
    },
  });
}
