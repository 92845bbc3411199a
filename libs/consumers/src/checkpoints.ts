import type { LogPosition, RecordedEvent } from '@app/event-store';
import type { Queryable } from '@app/postgres';

/** Channel on which moves of checkpoints are announced, as `<consumer>:<position>`. */
export const READ_MODEL_ADVANCED = 'read_model_advanced';

/** An event that a consumer has handled: enough to find it again in the log, and to identify it. */
export type HandledEvent = Pick<RecordedEvent, 'id' | 'streamName' | 'revision' | 'position'>;

/**
 * How far a consumer of the event store has come; `start` when it has stored nothing yet.
 *
 * @param consumer fixed name of the consumer
 */
export async function readCheckpoint(
  database: Queryable,
  consumer: string,
): Promise<LogPosition | 'start'> {
  const { rows } = await database.query<{ position: bigint }>({
    name: 'read-checkpoint',
    text: 'select position from read_model.checkpoints where consumer = $1',
    values: [consumer],
  });
  return rows[0]?.position ?? 'start';
}

/**
 * Stores how far a consumer has come. A position that is not beyond the stored one changes nothing.
 *
 * @param lastEvent the last event up to there; left out when there was none since the checkpoint before
 */
export async function saveCheckpoint(
  database: Queryable,
  consumer: string,
  position: LogPosition,
  lastEvent?: HandledEvent,
): Promise<void> {
  await database.query({
    name: 'save-checkpoint',
    text: `insert into read_model.checkpoints as stored (consumer, position, updated_at,
             event_id, event_stream, event_revision, event_position)
           values ($1, $2, now(), $3, $4, $5, $6)
           on conflict (consumer) do update
             set position = excluded.position, updated_at = excluded.updated_at,
                 event_id = coalesce(excluded.event_id, stored.event_id),
                 event_stream = coalesce(excluded.event_stream, stored.event_stream),
                 event_revision = coalesce(excluded.event_revision, stored.event_revision),
                 event_position = coalesce(excluded.event_position, stored.event_position)
             where stored.position < excluded.position`,
    values: [consumer, position, ...columnsOf(lastEvent)],
  });
}

/**
 * Moves a checkpoint on, provided that it still stands where the caller left it, and announces the move
 * to the processes that wait for it. Inside a transaction the row stays locked, so of two consumers under the same
 * name only one gets through.
 *
 * The commit does not wait for the disk: after a crash of the server the last events are handled once more.
 *
 * @param lastEvent the last event up to there; left out when there was none since the checkpoint before
 * @throws CheckpointMoved another process moved it: what the caller was about to write is out of date
 */
export async function moveCheckpoint(
  transaction: Queryable,
  consumer: string,
  from: LogPosition | 'start',
  to: LogPosition,
  lastEvent?: HandledEvent,
): Promise<void> {
  const { rowCount } = await transaction.query(
    from === 'start'
      ? {
          name: 'create-checkpoint',
          text: `with moved as (
                   insert into read_model.checkpoints (consumer, position, updated_at,
                     event_id, event_stream, event_revision, event_position)
                   values ($1, $2, now(), $3, $4, $5, $6)
                   on conflict (consumer) do nothing
                   returning consumer, position)
                 select pg_notify('${READ_MODEL_ADVANCED}', consumer || ':' || position) from moved`,
          values: [consumer, to, ...columnsOf(lastEvent)],
        }
      : {
          name: 'move-checkpoint',
          text: `with moved as (
                   update read_model.checkpoints
                   set position = $2, updated_at = now(),
                       event_id = coalesce($4, event_id), event_stream = coalesce($5, event_stream),
                       event_revision = coalesce($6, event_revision),
                       event_position = coalesce($7, event_position)
                   from set_config('synchronous_commit', 'off', true)
                   where consumer = $1 and position = $3
                   returning consumer, position)
                 select pg_notify('${READ_MODEL_ADVANCED}', consumer || ':' || position) from moved`,
          values: [consumer, to, from, ...columnsOf(lastEvent)],
        },
  );
  if (rowCount !== 1) throw new CheckpointMoved(consumer, from);
}

/** Holds a checkpoint where it is until the transaction ends, and answers where that is. */
export async function lockCheckpoint(
  transaction: Queryable,
  consumer: string,
): Promise<LogPosition | 'start'> {
  const { rows } = await transaction.query<{ position: bigint }>({
    name: 'lock-checkpoint',
    text: 'select position from read_model.checkpoints where consumer = $1 for update',
    values: [consumer],
  });
  return rows[0]?.position ?? 'start';
}

/**
 * Takes a checkpoint back to the last event that was handled. No event between the two concerned the consumer.
 * But a log that lost its end may place new events there, and the consumer would skip them.
 * A process calls this before it consumes under this name.
 */
export async function takeBackToLastEvent(database: Queryable, consumer: string): Promise<void> {
  await database.query({
    name: 'take-back-checkpoint',
    text: `update read_model.checkpoints set position = event_position, updated_at = now()
           where consumer = $1 and event_position < position`,
    values: [consumer],
  });
}

function columnsOf(event: HandledEvent | undefined): readonly unknown[] {
  return [event?.id, event?.streamName, event?.revision, event?.position].map((of) => of ?? null);
}

/** Another process works under the same consumer name and has moved its checkpoint. */
export class CheckpointMoved extends Error {
  constructor(
    readonly consumer: string,
    readonly expected: LogPosition | 'start',
  ) {
    super(`the checkpoint of ${consumer} is no longer at ${expected}`);
    this.name = 'CheckpointMoved';
  }
}
