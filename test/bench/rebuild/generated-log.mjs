/** A log that exists only while it is read, so that what is measured is the read model's side alone. */
import { accountStreamName } from '../../../dist/modules/libs/accounts/src/index.js';
import { lifeOf } from '../scale/account-lives.mjs';

const GAP = 100n;
const EVENT_ID = '00000000-0000-4000-8000-000000000003';
const metadata = {
  schemaVersion: 1,
  $correlationId: '00000000-0000-4000-8000-000000000001',
  $causationId: '00000000-0000-4000-8000-000000000002',
  actor: 'anonymous',
};

/** `00000000-0000-8000-8000-00000000000n` */
export function generatedAccountId(number) {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** Whole lives of accounts one after the other, as long as there is room for so many events. */
export class GeneratedLog {
  constructor(events) {
    this.events = events;
    this.dataSet = {
      accounts: events,
      madeAt: Date.UTC(2026, 10, 22, 12),
      passwordHashes: ['v2$k1$2b$12$0123456789012345678901234567890123456789012345678901234'],
    };
  }

  get end() {
    return BigInt(this.events) * GAP;
  }

  async *subscribeToAll({ after, signal }) {
    const recordedAt = new Date(this.dataSet.madeAt);
    let index = 0;
    for (let account = 0; index < this.events && !signal.aborted; account++) {
      const streamName = accountStreamName(generatedAccountId(account));
      const { registration, outcome } = lifeOf(account, this.dataSet);
      let revision = 0n;
      for (const { type, data } of [...registration, ...outcome]) {
        if (index >= this.events) break;
        index += 1;
        const position = BigInt(index) * GAP;
        const event = {
          ...{ id: EVENT_ID, type, data, metadata },
          ...{ streamName, revision: revision++, position, recordedAt },
        };
        if (after === 'start' || position > after) yield { kind: 'event', event };
      }
    }
    yield { kind: 'caught-up' };
  }
}
