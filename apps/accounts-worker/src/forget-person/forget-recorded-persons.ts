import { accountIdOfStream } from '@app/accounts';
import type { EventStore } from '@app/event-store';
import type { AccountKeys } from '@app/personal-data';
import { anonymousAccountCodec, decodeEach } from '@app/personal-data';
import { blankAccount, forgetPersonsConsumer } from '@app/views';
import { readCheckpoint } from '@app/consumers';
import type { Queryable } from '@app/postgres';

/**
 * Does ahead of the saga what the saga does in its own time: destroys the keys of all accounts whose erasure or
 * lapse is in the log beyond the checkpoint, and empties their rows. A person erased after a copy of PostgreSQL was
 * taken must not be readable for a moment when it is restored. Leaves the checkpoint alone.
 *
 * @returns how many persons that were
 * @throws EventStoreUnavailable, DatabaseUnavailable
 */
export async function forgetRecordedPersons(options: {
  readonly store: EventStore;
  readonly keys: Pick<AccountKeys, 'destroy'>;
  readonly database: Queryable;
  readonly signal: AbortSignal;
}): Promise<number> {
  const { store, keys, database, signal } = options;
  const { name, streamNamePrefixes, eventTypes } = forgetPersonsConsumer;
  const after = await readCheckpoint(database, name);
  let forgotten = 0;
  for await (const message of store.subscribeToAll({ after, streamNamePrefixes, signal })) {
    if (message.kind === 'caught-up') break;
    if (message.kind !== 'event' || !eventTypes.has(message.event.type)) continue;
    // One that cannot be read is put on record by the saga.
    const [fact] = await decodeEach(anonymousAccountCodec, [message.event]);
    if (fact === undefined || fact instanceof Error) continue;
    if (fact.type !== 'AccountErased' && fact.type !== 'RegistrationLapsed') continue;
    const accountId = accountIdOfStream(message.event.streamName);
    await keys.destroy(accountId, fact.data.registrationNumber);
    await blankAccount(database, accountId, fact.data.registrationNumber);
    forgotten += 1;
  }
  return forgotten;
}
