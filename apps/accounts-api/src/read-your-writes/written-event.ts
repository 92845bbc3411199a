import { accountStreamName } from '@app/accounts';
import type { AppendResult, EventStore } from '@app/event-store';

/** The last event of a write: where it stands in the log, and where to find it again. */
export interface WrittenEvent extends AppendResult {
  readonly accountId: string;
}

/**
 * Whether the log has this event at this place. A log that lost its end, or another log, has nothing or
 * another event there.
 *
 * @throws EventStoreUnavailable
 */
export async function isInLog(
  store: Pick<EventStore, 'readStream'>,
  { accountId, revision, position }: WrittenEvent,
): Promise<boolean> {
  const events = store.readStream(accountStreamName(accountId), {
    fromRevision: revision,
    maxCount: 1,
  });
  for await (const event of events) return event.position === position;
  return false;
}
