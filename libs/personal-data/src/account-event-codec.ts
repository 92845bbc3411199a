import {
  MalformedAccountEvent,
  accountIdOfStream,
  fromStored,
  personalFields,
  toStored,
} from '@app/accounts';
import type { AccountEvent, StoredAccountEvent } from '@app/accounts';
import type { EventCodec, RecordedEvent, StoredShape } from '@app/event-store';
import { AccountKeyMissing } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { SealBroken, open, seal } from './seal.js';

/** How a sealed field stands in the stored JSON. */
interface SealedField {
  readonly sealed: string;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Account events as the log holds them: the domain's stored shapes, with every personal field sealed
 * under the account's own key. A sealed field is bound to its stream, event type, schema version and name.
 */
export class AccountEventCodec implements EventCodec<AccountEvent> {
  constructor(private readonly keys: Pick<AccountKeys, 'obtain' | 'find'>) {}

  async encode(streamName: string, events: readonly AccountEvent[]): Promise<StoredShape[]> {
    const stored = events.map(toStored);
    if (!stored.some(hasPersonalFields)) return stored;
    const key = await this.keys.obtain(accountIdOfStream(streamName));
    return stored.map((event) =>
      changingPersonalFields(event, (value, name) => {
        const plain = Buffer.from(String(value), 'utf8');
        const sealed = seal(plain, key, placeOf(streamName, event, name));
        return { sealed: sealed.toString('base64') } satisfies SealedField;
      }),
    );
  }

  /**
   * @throws UnknownAccountEvent, MalformedAccountEvent, AccountKeyMissing, AccountKeyUnreadable,
   *   SealBroken, ReadModelUnavailable
   */
  async decode(events: readonly RecordedEvent[]): Promise<AccountEvent[]> {
    const accountIds = events
      .filter(hasPersonalFields)
      .map(({ streamName }) => accountIdOfStream(streamName));
    const keys = await this.keys.find([...new Set(accountIds)]);
    return events.map((event) => fromStored(this.opened(event, keys)));
  }

  private opened(event: RecordedEvent, keys: ReadonlyMap<string, Buffer>): StoredAccountEvent {
    const { streamName } = event;
    const stored = {
      type: event.type,
      schemaVersion: event.metadata.schemaVersion,
      data: event.data,
    };
    if (!hasPersonalFields(stored)) return stored;
    const accountId = accountIdOfStream(streamName);
    const key = keys.get(accountId);
    if (key === undefined) throw new AccountKeyMissing(accountId);
    return changingPersonalFields(stored, (value, name) => {
      const place = placeOf(streamName, stored, name);
      if (!isSealed(value)) throw new SealBroken(place);
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
    typeof value.sealed === 'string'
  );
}
