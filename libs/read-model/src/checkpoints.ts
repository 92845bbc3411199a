import type { LogPosition } from '@app/event-store';
import type { Queryable } from './database.js';

/** Channel on which moves of checkpoints are announced, as `<consumer>:<position>`. */
export const READ_MODEL_ADVANCED = 'read_model_advanced';

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

/** Stores how far a consumer has come. A position that is not beyond the stored one changes nothing. */
export async function saveCheckpoint(
  database: Queryable,
  consumer: string,
  position: LogPosition,
): Promise<void> {
  await database.query({
    name: 'save-checkpoint',
    text: `insert into read_model.checkpoints as stored (consumer, position, updated_at)
           values ($1, $2, now())
           on conflict (consumer) do update
             set position = excluded.position, updated_at = excluded.updated_at
             where stored.position < excluded.position`,
    values: [consumer, position],
  });
}

/**
 * Moves a checkpoint on, provided that it still stands where the caller left it, and announces the move
 * to whoever waits for it. Inside a transaction the row stays locked, so of two consumers under the same
 * name only one gets through.
 *
 * @throws CheckpointMoved somebody else moved it: what the caller was about to write is out of date
 */
export async function moveCheckpoint(
  transaction: Queryable,
  consumer: string,
  from: LogPosition | 'start',
  to: LogPosition,
): Promise<void> {
  const { rowCount } = await transaction.query(
    from === 'start'
      ? {
          name: 'create-checkpoint',
          text: `with moved as (
                   insert into read_model.checkpoints (consumer, position, updated_at)
                   values ($1, $2, now())
                   on conflict (consumer) do nothing
                   returning consumer, position)
                 select pg_notify('${READ_MODEL_ADVANCED}', consumer || ':' || position) from moved`,
          values: [consumer, to],
        }
      : {
          name: 'move-checkpoint',
          text: `with moved as (
                   update read_model.checkpoints set position = $2, updated_at = now()
                   where consumer = $1 and position = $3
                   returning consumer, position)
                 select pg_notify('${READ_MODEL_ADVANCED}', consumer || ':' || position) from moved`,
          values: [consumer, to, from],
        },
  );
  if (rowCount !== 1) throw new CheckpointMoved(consumer, from);
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
