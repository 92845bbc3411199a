import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { accountEventDefinitions, accountIdOfStream, evolve, initialState } from '@app/accounts';
import type { Account, AccountEvent, FieldKind } from '@app/accounts';
import type { LoadedStream, StreamSnapshots } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import { generationAfter } from './account-event-codec.js';
import { keyIdOf } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { open, seal } from './seal.js';

interface SnapshotRow {
  readonly generation: number;
  readonly revision: bigint;
  readonly head: string;
  readonly sealed: Buffer;
}

/**
 * Snapshots of accounts in PostgreSQL, sealed with the account's own key and bound to stream, revision, chain link and
 * fold. Keys make them go: a person who is forgotten leaves none.
 */
export class SealedSnapshots implements StreamSnapshots<Account> {
  /**
   * @param onFault called with what kept a snapshot from being used or kept, but for its absence
   * @param knownFold stands for what this program makes of events; found out at the first long stream when left out
   */
  constructor(
    private readonly database: Queryable,
    private readonly keys: Pick<AccountKeys, 'find'>,
    private readonly onFault: (error: unknown) => void,
    private knownFold?: string,
  ) {}

  /** 4,000 events are folded for it: a process that meets no long stream never does. */
  private get fold(): string {
    return (this.knownFold ??= foldFingerprint(evolve));
  }

  async find(streamName: string): Promise<LoadedStream<Account> | undefined> {
    return this.read(streamName).catch((error: unknown) => {
      this.onFault(error);
      return undefined;
    });
  }

  async keep(streamName: string, loaded: LoadedStream<Account>): Promise<void> {
    await this.write(streamName, loaded).catch(this.onFault);
  }

  private async read(streamName: string): Promise<LoadedStream<Account> | undefined> {
    const accountId = accountIdOfStream(streamName);
    const { rows } = await this.database.query<SnapshotRow>({
      name: 'find-account-snapshot',
      text: `select generation, revision, head, sealed from personal_data.account_snapshots
             where account_id = $1 and fold = $2`,
      values: [accountId, this.fold],
    });
    const [row] = rows;
    const key = row && (await this.keyOf(accountId, row.generation));
    if (!row || !key) return undefined;
    return deserialize(
      open(row.sealed, key, this.placeOf(streamName, row)),
    ) as LoadedStream<Account>;
  }

  private async write(streamName: string, loaded: LoadedStream<Account>): Promise<void> {
    const { revision, head, newest } = loaded;
    if (revision === 'no-stream') return;
    const accountId = accountIdOfStream(streamName);
    const generation = generationAfter(newest, []);
    const key = await this.keyOf(accountId, generation);
    // Of a forgotten person: nothing may be sealed for them any more.
    if (!key) return;
    const sealed = seal(serialize(loaded), key, this.placeOf(streamName, { revision, head }));
    await this.database.query({
      name: 'keep-account-snapshot',
      // The key's row is locked: a snapshot is there before its key is destroyed, and goes with it, or is not kept.
      text: `insert into personal_data.account_snapshots
               (account_id, generation, revision, head, fold, sealed)
             select account_id, generation, $3::bigint, $4::text, $5::text, $6::bytea
             from personal_data.account_keys
             where account_id = $1 and generation = $2 and destroyed_at is null for share
             on conflict (account_id) do update
               set generation = excluded.generation, revision = excluded.revision,
                   head = excluded.head, fold = excluded.fold, sealed = excluded.sealed,
                   kept_at = excluded.kept_at`,
      values: [accountId, generation, revision, head, this.fold, sealed],
    });
  }

  private async keyOf(accountId: string, generation: number): Promise<Buffer | undefined> {
    const keyId = keyIdOf(accountId, generation);
    return (await this.keys.find([keyId])).get(keyId);
  }

  private placeOf(
    streamName: string,
    { revision, head }: Pick<SnapshotRow, 'revision' | 'head'>,
  ): string {
    return `${streamName}|snapshot|${revision}|${head}|${this.fold}`;
  }
}

/** Raised when a change of the fold shows in none of the histories below. */
const FOLD = 2;
const HISTORIES = 100;
const EVENTS_OF_A_HISTORY = 40;
const FROM = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/**
 * Another one for each fold that makes something else of some hundred histories of every event: a field that is new,
 * or kept in another way, shows. The same in every process.
 */
export function foldFingerprint(evolved: (state: Account, event: AccountEvent) => Account): string {
  const digest = createHash('sha256').update(`${FOLD}`);
  const below = numbers();
  for (let history = 0; history < HISTORIES; history += 1) {
    let state = initialState;
    for (let index = 0; index < EVENTS_OF_A_HISTORY; index += 1) {
      state = evolved(state, anyEvent(FROM + index * HOUR_MS, below));
      digest.update(textOf(state));
    }
  }
  return digest.digest('hex');
}

/** With what JSON leaves out. (`serialize` writes one number in two ways, as the engine happens to keep it.) */
function textOf(state: unknown): string {
  return JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)];
    return value === undefined || typeof value === 'bigint' ? `${typeof value} ${value}` : value;
  });
}

/** An event of any type, whatever came before: the numbers in it are so small that many fit. */
function anyEvent(at: number, below: (end: number) => number): AccountEvent {
  const [type, { fields }] = accountEventDefinitions[
    below(accountEventDefinitions.length)
  ] as (typeof accountEventDefinitions)[number];
  const data = Object.entries(fields)
    .filter(({ 1: { isOptional } }) => !isOptional || below(2) === 0)
    .map(([name, { kind }]) => [name, valueOf(kind, at, below)] as const);
  return { type, data: Object.fromEntries(data) } as AccountEvent;
}

function valueOf(kind: FieldKind, at: number, below: (end: number) => number): unknown {
  switch (kind.name) {
    case 'text':
      return `text ${below(100)}`;
    case 'instant':
      return at;
    case 'whole-number':
      return kind.least + below(2);
    case 'word':
      return kind.words[below(kind.words.length)];
  }
}

/** Park and Miller's sequence, each time from its beginning. */
function numbers(): (end: number) => number {
  let last = 1;
  return (end) => {
    last = (last * 48_271) % 2_147_483_647;
    return last % end;
  };
}
