import {
  MalformedAccountEvent,
  accountIdOfStream,
  erased,
  fromStored,
  isErased,
  personalFields,
  toStored,
} from '@app/accounts';
import type { AccountEvent, StoredAccountEvent } from '@app/accounts';
import type { EventCodec, RecordedEvent, StoredShape } from '@app/event-store';
import { AccountKeyMissing, keyIdOf } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { SealBroken, open, seal } from './seal.js';

/** How a sealed field stands in the stored JSON. */
interface SealedField {
  readonly sealed: string;
  /** Of the key: which of the persons who had the address one after the other; 1 when left out. */
  readonly generation?: number;
}

type Keys = Pick<AccountKeys, 'obtain' | 'newestGeneration' | 'find' | 'findDestroyed'>;

/** Keys that may be needed, and which of those that are not there were destroyed on purpose. */
interface FoundKeys {
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly destroyed: ReadonlySet<string>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Account events as the log holds them: the domain's stored shapes, with every personal field sealed
 * under the person's own key. A sealed field is bound to its stream, event type, schema version and name.
 * Once the key was destroyed, the field is read as `erased`.
 */
export class AccountEventCodec implements EventCodec<AccountEvent> {
  constructor(private readonly keys: Keys) {}

  /**
   * @throws TypeError when a fact was erased before it is stored
   * @throws AccountKeyDestroyed, AccountKeyUnreadable, UnknownKey, ReadModelUnavailable
   */
  async encode(streamName: string, events: readonly AccountEvent[]): Promise<StoredShape[]> {
    const stored = events.map(toStored);
    if (!stored.some(hasPersonalFields)) return stored;
    const accountId = accountIdOfStream(streamName);
    const generation = await this.generationFor(accountId, events);
    const key = await this.keys.obtain(accountId, generation);
    return stored.map((event) =>
      changingPersonalFields(event, (value, name) => {
        if (isErased(value))
          throw new TypeError(`${event.type} has no ${name} any more to be stored`);
        const plain = Buffer.from(String(value), 'utf8');
        const sealed = seal(plain, key, placeOf(streamName, event, name)).toString('base64');
        const field: SealedField = generation === 1 ? { sealed } : { sealed, generation };
        return field;
      }),
    );
  }

  /** Whoever registers begins a generation; what follows belongs to the newest. */
  private generationFor(accountId: string, events: readonly AccountEvent[]): Promise<number> {
    const registered = events.find((event) => event.type === 'AccountRegistered');
    return registered
      ? Promise.resolve(registered.data.registrationNumber ?? 1)
      : this.keys.newestGeneration(accountId);
  }

  /**
   * @throws UnknownAccountEvent, MalformedAccountEvent, AccountKeyMissing, AccountKeyUnreadable,
   *   SealBroken, ReadModelUnavailable
   */
  async decode(events: readonly RecordedEvent[]): Promise<AccountEvent[]> {
    const wanted = [...new Set(events.flatMap(keyIdsOf))];
    const keys = await this.keys.find(wanted);
    const missing = wanted.filter((keyId) => !keys.has(keyId));
    const destroyed =
      missing.length > 0 ? await this.keys.findDestroyed(missing) : new Set<string>();
    return events.map((event) => fromStored(this.opened(event, { keys, destroyed })));
  }

  private opened(event: RecordedEvent, { keys, destroyed }: FoundKeys): StoredAccountEvent {
    const { streamName } = event;
    const stored = {
      type: event.type,
      schemaVersion: event.metadata.schemaVersion,
      data: event.data,
    };
    if (!hasPersonalFields(stored)) return stored;
    const accountId = accountIdOfStream(streamName);
    return changingPersonalFields(stored, (value, name) => {
      const place = placeOf(streamName, stored, name);
      if (!isSealed(value)) throw new SealBroken(place);
      const keyId = keyIdOf(accountId, generationOf(value));
      const key = keys.get(keyId);
      if (key === undefined && destroyed.has(keyId)) return erased;
      if (key === undefined) throw new AccountKeyMissing(accountId);
      return open(Buffer.from(value.sealed, 'base64'), key, place).toString('utf8');
    });
  }
}

function hasPersonalFields({ type }: { readonly type: string }): boolean {
  return personalFieldsOf(type).length > 0;
}

const personalFieldsByType: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(personalFields),
);

function personalFieldsOf(type: string): readonly string[] {
  return personalFieldsByType.get(type) ?? [];
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
  const changed = personalFieldsOf(type).map((name) => [name, change(fields[name], name)] as const);
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
