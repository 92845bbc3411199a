import { describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import { ada, pendingAccount } from '@app/accounts/testing/account-examples.js';
import { EventStoreUnavailable } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { AccountHistory } from './account-history.js';
import type { HistoryCodec } from './account-history.js';

describe('The history of an account', () => {
  it('has the key looked up while the events are on their way', async () => {
    const steps: string[] = [];
    const store = await storeOfAda();
    const history = new AccountHistory(
      Object.assign(Object.create(store) as InMemoryEventStore, {
        readStream: (streamName: string) => {
          steps.push('read');
          return store.readStream(streamName);
        },
      }),
      {
        ...codecWith(async (accountId) => {
          steps.push(`key of ${accountId} asked for`);
          await Promise.resolve();
          steps.push('key at hand');
        }),
        decode: (events) => {
          steps.push('decoded');
          return plainAccountCodec.decode(events);
        },
      },
    );
    expect(await lengthOf(history)).toBe(pendingAccount.length);
    expect(steps[0]).toBe(`key of ${ada.accountId} asked for`);
    expect(steps.indexOf('key at hand')).toBeLessThan(steps.indexOf('decoded'));
  });

  it('fails with what the look-up of the key failed with', async () => {
    const history = new AccountHistory(await storeOfAda(), codecWith(noKey));
    await expect(lengthOf(history)).rejects.toThrow('no key');
  });

  it('is empty where nothing happened, whatever becomes of the key', async () => {
    expect(await lengthOf(new AccountHistory(new InMemoryEventStore(), codecWith(noKey)))).toBe(0);
  });

  it('fails with what the reading failed with, whatever becomes of the key', async () => {
    const store = Object.assign(new InMemoryEventStore(), {
      readStream: () => {
        throw new EventStoreUnavailable('it is down');
      },
    });
    await expect(lengthOf(new AccountHistory(store, codecWith(noKey)))).rejects.toThrow(
      EventStoreUnavailable,
    );
  });

  const noKey = () => Promise.reject(new Error('no key'));

  function codecWith(fetchKey: HistoryCodec['fetchKey']): HistoryCodec {
    return { ...plainAccountCodec, fetchKey };
  }

  async function storeOfAda(): Promise<InMemoryEventStore> {
    const store = new InMemoryEventStore();
    await store.record(accountStreamName(ada.accountId), ...pendingAccount);
    return store;
  }

  async function lengthOf(history: AccountHistory): Promise<number> {
    let events = 0;
    for await (const { recorded } of history.replay(ada.accountId)) if (recorded.type) events += 1;
    return events;
  }
});
