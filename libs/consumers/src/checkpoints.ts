import type { LogPosition, RecordedEvent } from '@app/event-store';
import type { NamedStatement, Queryable } from '@app/postgres';

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
 * Stores how far a consumer has come. A position that is not beyond the stored one changes nothing, and neither does
 * a leader that was replaced.
 *
 * @param lastEvent the last event up to there; left out when there was none since the checkpoint before
 * @param epoch of the caller's leadership (see `whileLeader`); not looked at when left out
 */
export async function saveCheckpoint(
  database: Queryable,
  consumer: string,
  position: LogPosition,
  lastEvent?: HandledEvent,
  epoch?: bigint,
): Promise<void> {
  await database.query({
    name: 'save-checkpoint',
    text: `insert into read_model.checkpoints as stored (consumer, position, updated_at,
             event_id, event_stream, event_revision, event_position)
           select $1, $2, now(), $3::uuid, $4, $5::bigint, $6::bigint where ${stillLeads('$1', '$7')}
           on conflict (consumer) do update
             set position = excluded.position, updated_at = excluded.updated_at,
                 event_id = coalesce(excluded.event_id, stored.event_id),
                 event_stream = coalesce(excluded.event_stream, stored.event_stream),
                 event_revision = coalesce(excluded.event_revision, stored.event_revision),
                 event_position = coalesce(excluded.event_position, stored.event_position)
             where stored.position < excluded.position`,
    values: [consumer, position, ...columnsOf(lastEvent), epoch ?? null],
  });
}

/** What SQLSTATE says that another transaction holds the checkpoint. */
export const CHECKPOINT_HELD = '55P03';

/**
 * A statement that writes rows locks their table before it waits for the checkpoint. A rebuild holds the checkpoint and
 * then locks the table: waiting for each other would hold both up.
 */
const LOCKED_ONLY_BRIEFLY = `, set_config('lock_timeout', '20ms', true) as briefly`;

/** What belongs to a move of a checkpoint. */
export interface CheckpointMove {
  /** The last event up to there; left out when there was none since the checkpoint before. */
  readonly lastEvent?: HandledEvent | undefined;
  /** Of the caller's leadership (see `whileLeader`); not looked at when left out. */
  readonly epoch?: bigint | undefined;
  /**
   * What is written together with the move, or not at all: `singleWrite` of a projection. Not from the start. Refused
   * as `CHECKPOINT_HELD` when another transaction holds the checkpoint.
   */
  readonly write?: NamedStatement | undefined;
  /** No process waits for it. */
  readonly isSilent?: boolean | undefined;
}

/**
 * Moves a checkpoint on, provided that it still stands where the caller left it and that the caller still leads,
 * and announces the move to the processes that wait for it. Inside a transaction the row stays locked, so of two
 * consumers under the same name only one gets through. The place alone keeps rows right, also of two writers; the
 * epoch keeps a leader that was replaced from writing any.
 *
 * The commit does not wait for the disk: after a crash of the server the last events are handled once more.
 *
 * @throws CheckpointMoved another process moved it, or leads: what the caller was about to write is out of date
 */
export async function moveCheckpoint(
  transaction: Queryable,
  consumer: string,
  from: LogPosition | 'start',
  to: LogPosition,
  { lastEvent, epoch, write, isSilent = false }: CheckpointMove = {},
): Promise<void> {
  const { values = [] } = write ?? {};
  const announced = isSilent
    ? 'select from moved'
    : `select pg_notify('${READ_MODEL_ADVANCED}', consumer || ':' || position) from moved`;
  // The parameters of what is written come first.
  const $ = (number: number) => `$${values.length + number}`;
  const { rowCount } = await transaction.query(
    from === 'start'
      ? {
          name: isSilent ? 'create-checkpoint silently' : 'create-checkpoint',
          text: `with moved as (
                   insert into read_model.checkpoints (consumer, position, updated_at,
                     event_id, event_stream, event_revision, event_position)
                   select $1, $2, now(), $3::uuid, $4, $5::bigint, $6::bigint where ${stillLeads('$1', '$7')}
                   on conflict (consumer) do nothing
                   returning consumer, position)
                 ${announced}`,
          values: [consumer, to, ...columnsOf(lastEvent), epoch ?? null],
        }
      : {
          name: [
            write ? 'move' : 'move-checkpoint',
            ...(isSilent ? ['silently'] : []),
            ...(write ? [write.name] : []),
          ].join(' '),
          text: `with moved as (
                   update read_model.checkpoints
                   set position = ${$(2)}, updated_at = now(),
                       event_id = coalesce(${$(4)}, event_id), event_stream = coalesce(${$(5)}, event_stream),
                       event_revision = coalesce(${$(6)}, event_revision),
                       event_position = coalesce(${$(7)}, event_position)
                   from set_config('synchronous_commit', 'off', true)
                        ${write ? LOCKED_ONLY_BRIEFLY : ''}
                   where consumer = ${$(1)} and position = ${$(3)} and ${stillLeads($(1), $(8))}
                   returning consumer, position)
                 ${write ? `, written as (${write.text})` : ''}
                 ${announced}`,
          values: [...values, consumer, to, from, ...columnsOf(lastEvent), epoch ?? null],
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

/**
 * Whether the epoch that a parameter holds is the newest one of the consumer that another holds. The next leader waits until the
 * transaction has ended: it changes a column of a key, and renewing a lease does not.
 */
function stillLeads(consumer: string, epoch: string): string {
  return `(${epoch}::bigint is null or exists (
    select from operations.leases where name = ${consumer} and epoch = ${epoch} for key share))`;
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
    super(`the checkpoint of ${consumer} is no longer at ${expected}, or another process leads`);
    this.name = 'CheckpointMoved';
  }
}
