import {
  MalformedAccountEvent,
  accountIdOfStream,
  erased,
  fromStored,
  isErased,
  personalFieldsOf,
  toStored,
} from '@app/accounts';
import type { AccountEvent, Erased, StoredAccountEvent } from '@app/accounts';
import type {
  Circumstances,
  EventCodec,
  EventReader,
  NewestEvents,
  RecordedEvent,
  RequestClient,
  StoredShape,
} from '@app/event-store';
import { assertKnownEvent } from './anonymous-account-codec.js';
import { AccountKeyMissing, keyIdOf } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { SealBroken, open, seal } from './seal.js';

/** How a sealed field stands in the stored JSON. */
interface SealedField {
  readonly sealed: string;
  /** Of the key: which of the persons who had the address one after the other; 1 when left out. */
  readonly generation?: number;
}

type Keys = Pick<AccountKeys, 'obtain' | 'find' | 'findDestroyed'>;

/** Keys that may be needed, and which of those that are not there were destroyed on purpose. */
interface FoundKeys {
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly destroyed: ReadonlySet<string>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Account events as the log holds them: the domain's stored shapes, with every personal field sealed
 * under the person's own key, and so is where the request came from, in the metadata. A sealed field is
 * bound to its stream, event type, schema version and name. Once the key was destroyed, it is read as `erased`.
 */
export class AccountEventCodec implements EventCodec<AccountEvent>, EventReader<AccountEvent> {
  readonly assertKnown = assertKnownEvent;

  constructor(private readonly keys: Keys) {}

  /**
   * @throws TypeError when a fact was erased before it is stored
   * @throws AccountKeyDestroyed, AccountKeyUnreadable, UnknownKey, DatabaseUnavailable
   */
  async encode(
    streamName: string,
    events: readonly AccountEvent[],
    { newest = new Map(), client }: Circumstances = {},
  ): Promise<StoredShape[]> {
    const stored = events.map(toStored);
    if (client === undefined && !stored.some(hasPersonalFields)) return stored;
    const accountId = accountIdOfStream(streamName);
    const generation = generationAfter(newest, events);
    const key = await this.keys.obtain(accountId, generation);
    const sealed = (event: StoredAccountEvent, name: string, value: string): SealedField => {
      const plain = Buffer.from(value, 'utf8');
      const sealed = seal(plain, key, placeOf(streamName, event, name)).toString('base64');
      return generation === 1 ? { sealed } : { sealed, generation };
    };
    return stored.map((event) => ({
      ...changingPersonalFields(event, (value, name) => {
        if (isErased(value))
          throw new TypeError(`${event.type} has no ${name} any more to be stored`);
        return sealed(event, name, String(value));
      }),
      ...(client && { client: sealed(event, CLIENT, JSON.stringify(client)) }),
    }));
  }

  /**
   * @throws UnknownAccountEvent, MalformedAccountEvent, AccountKeyMissing, AccountKeyUnreadable,
   *   SealBroken, DatabaseUnavailable
   */
  async decode(events: readonly RecordedEvent[]): Promise<AccountEvent[]> {
    const found = await this.findKeys(events.flatMap(keyIdsOf));
    return events.map((event) => fromStored(this.opened(event, found)));
  }

  /**
   * Where the request came from that led to each event, in the same order; undefined for an event that no
   * request led to.
   *
   * @throws AccountKeyMissing, AccountKeyUnreadable, SealBroken, DatabaseUnavailable
   */
  async clientsOf(
    events: readonly RecordedEvent[],
  ): Promise<(RequestClient | Erased | undefined)[]> {
    const found = await this.findKeys(
      events.flatMap(({ streamName, metadata: { client } }) =>
        isSealed(client) ? [keyIdOf(accountIdOfStream(streamName), generationOf(client))] : [],
      ),
    );
    return events.map((event) => {
      const { client } = event.metadata;
      if (client === undefined) return undefined;
      const opened = this.openedValue(client, event, CLIENT, found);
      return isErased(opened) ? erased : (JSON.parse(opened) as RequestClient);
    });
  }

  /**
   * Looks up the key of the first person who had the account, so that it is at hand when events of theirs come
   * to be decoded: worth doing while those are still on their way.
   *
   * @throws AccountKeyUnreadable, UnknownKey, DatabaseUnavailable
   */
  async fetchKey(accountId: string): Promise<void> {
    await this.keys.find([keyIdOf(accountId, 1)]);
  }

  private async findKeys(keyIds: readonly string[]): Promise<FoundKeys> {
    const wanted = [...new Set(keyIds)];
    const keys = await this.keys.find(wanted);
    const missing = wanted.filter((keyId) => !keys.has(keyId));
    const destroyed =
      missing.length > 0 ? await this.keys.findDestroyed(missing) : new Set<string>();
    return { keys, destroyed };
  }

  private opened(event: RecordedEvent, found: FoundKeys): StoredAccountEvent {
    // Before its fields are looked at: another version may seal others.
    assertKnownEvent(event);
    const stored = {
      type: event.type,
      schemaVersion: event.metadata.schemaVersion,
      data: event.data,
    };
    if (!hasPersonalFields(stored)) return stored;
    return changingPersonalFields(stored, (value, name) =>
      this.openedValue(value, event, name, found),
    );
  }

  private openedValue(
    value: unknown,
    { streamName, type, metadata: { schemaVersion } }: RecordedEvent,
    name: string,
    { keys, destroyed }: FoundKeys,
  ): string | Erased {
    const place = placeOf(streamName, { type, schemaVersion }, name);
    if (!isSealed(value)) throw new SealBroken(place);
    const accountId = accountIdOfStream(streamName);
    const keyId = keyIdOf(accountId, generationOf(value));
    const key = keys.get(keyId);
    if (key === undefined && destroyed.has(keyId)) return erased;
    if (key === undefined) throw new AccountKeyMissing(accountId);
    return open(Buffer.from(value.sealed, 'base64'), key, place).toString('utf8');
  }
}

/** No field of an event's data has a full stop in its name. */
const CLIENT = 'metadata.client';

/**
 * A registration begins a generation; later events belong to the newest. The stream says which one that is. The
 * append checks its revision, so no other registration can come between.
 */
export function generationAfter(newest: NewestEvents, events: readonly AccountEvent[]): number {
  const registered = events.find((event) => event.type === 'AccountRegistered');
  if (registered) return registered.data.registrationNumber ?? 1;
  const before = newest.get('AccountRegistered')?.data;
  const number = (before as Fields | undefined)?.['registrationNumber'];
  return typeof number === 'number' ? number : 1;
}

function hasPersonalFields({ type }: { readonly type: string }): boolean {
  return personalFieldsOf(type).length > 0;
}

/** The keys that the personal fields of an event are sealed with. */
function keyIdsOf({ type, streamName, data }: RecordedEvent): string[] {
  if (typeof data !== 'object' || data === null) return [];
  const fields = data as Fields;
  return personalFieldsOf(type)
    .map((name) => fields[name])
    .filter(isSealed)
    .map((field) => keyIdOf(accountIdOfStream(streamName), generationOf(field)));
}

function generationOf({ generation = 1 }: SealedField): number {
  return generation;
}

function changingPersonalFields(
  event: StoredAccountEvent,
  change: (value: unknown, name: string) => unknown,
): StoredAccountEvent {
  const { type, schemaVersion, data } = event;
  if (typeof data !== 'object' || data === null) {
    throw new MalformedAccountEvent(type, schemaVersion, 'data');
  }
  const fields = data as Fields;
  const changed = personalFieldsOf(type, fields).map(
    (name) => [name, change(fields[name], name)] as const,
  );
  return { ...event, data: { ...fields, ...Object.fromEntries(changed) } };
}

function placeOf(
  streamName: string,
  { type, schemaVersion }: Pick<StoredAccountEvent, 'type' | 'schemaVersion'>,
  field: string,
): string {
  return `${streamName}|${type}|${schemaVersion}|${field}`;
}

function isSealed(value: unknown): value is SealedField {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sealed' in value &&
    typeof value.sealed === 'string' &&
    (!('generation' in value) || isGeneration(value.generation))
  );
}

/** As far as the column of the keys goes. */
function isGeneration(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 1 && Number(value) < 2 ** 31;
}
