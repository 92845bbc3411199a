import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from '@app/postgres';
import { createMetrics } from '@app/process';
import type { SagaFeedStatus } from './durable-sagas/saga-feed.js';
import { statisticNames } from '@app/views';
import type { StatisticCounts } from '@app/views';
import { measureWork } from './worker-metrics.js';

const feeding: SagaFeedStatus = {
  state: 'running',
  position: 7_000n,
  inFlight: 3,
  lagMs: 2_500,
  lastError: undefined,
  failing: undefined,
};

const recent = {
  ...Object.fromEntries(statisticNames.map((name) => [name, 0])),
  registrations: 8,
  activations: 6,
} as StatisticCounts;

async function figures(
  countUnreadableAccounts: () => Promise<number> = async () => 0,
): Promise<string[]> {
  const registry = createMetrics();
  measureWork(registry, {
    consumers: {
      projections: new Map([
        ['accounts', { status: { state: 'live', lagMs: 0 } }],
        ['statistics', { status: { state: 'catching-up', lagMs: 12_000 } }],
        ['activation-mails', { status: { state: 'standby', lagMs: undefined } }],
      ]),
      sagas: new Map([
        ['activation-mail', { status: feeding }],
        ['forget-persons', { status: { ...feeding, state: 'faulted', position: undefined } }],
      ]),
    },
    mailProviders: { status: [] },
    countRecentEvents: async () => {
      await countUnreadableAccounts();
      return recent;
    },
    countUnreadableAccounts,
    countFailingEvents: async () => {
      await countUnreadableAccounts();
      return [
        { consumer: 'accounts', type: 'AccountFrozen', reason: 'UnknownAccountEvent', count: 2 },
      ];
    },
  });
  return (await registry.metrics()).split('\n');
}

describe('Figures of the worker', () => {
  it('show the lag of every projection and saga, and nothing of one that stands by', async () => {
    const lines = await figures();
    expect(lines.filter((line) => line.includes('_lag_seconds{'))).toEqual([
      'projection_lag_seconds{projection="accounts"} 0',
      'projection_lag_seconds{projection="statistics"} 12',
      'saga_lag_seconds{saga="activation-mail"} 2.5',
      'saga_lag_seconds{saga="forget-persons"} 2.5',
    ]);
    expect(lines.filter((line) => line.startsWith('saga_checkpoint_position{'))).toEqual([
      'saga_checkpoint_position{saga="activation-mail"} 7000',
    ]);
  });

  it('show what happened, by the events, and nothing while the database is away', async () => {
    const shown = (lines: string[]) =>
      lines.filter((line) => /^recent_account_events\{event="(registra|activa)tions"/.test(line));
    expect(shown(await figures())).toEqual([
      'recent_account_events{event="registrations"} 8',
      'recent_account_events{event="activations"} 6',
    ]);
    const away = () => Promise.reject(new DatabaseUnavailable('spec'));
    expect(shown(await figures(away))).toEqual([]);
  });

  it('show the state of each', async () => {
    const states = (await figures()).filter((line) => line.startsWith('consumer_state{'));
    expect(states).toEqual([
      'consumer_state{consumer="accounts",state="live"} 1',
      'consumer_state{consumer="statistics",state="catching-up"} 1',
      'consumer_state{consumer="activation-mails",state="standby"} 1',
      'consumer_state{consumer="activation-mail",state="running"} 1',
      'consumer_state{consumer="forget-persons",state="faulted"} 1',
    ]);
  });

  it('count unreadable accounts, and leave that out while the database is unavailable', async () => {
    const lines = await figures(async () => 4);
    expect(lines).toContain('unreadable_accounts 4');
    expect(lines).toContain(
      'failed_events{consumer="accounts",type="AccountFrozen",reason="UnknownAccountEvent"} 2',
    );
    const away = await figures(() => Promise.reject(new DatabaseUnavailable('it is down')));
    expect(away.filter((line) => /^(unreadable_accounts|failed_events)[ {]/.test(line))).toEqual(
      [],
    );
    expect(away).toContain('saga_commands_in_flight{saga="activation-mail"} 3');
  });
});
