import {
  accountIdOfStream,
  erased,
  fromStoredHiding,
  personalFieldsOf,
  typesThatForget,
} from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { UnknownKey } from '@app/account-secrets';
import type { EventReader, RecordedEvent } from '@app/event-store';
import { findUnreadableAccounts, recordForgotten, recordUnreadableAccount } from '@app/views';
import type { Queryable } from '@app/postgres';
import type { UnreadableAccount } from '@app/views';
import { AccountKeyMissing, AccountKeyUnreadable, KeyEncryptionKeyWrong } from './account-keys.js';
import { assertKnownEvent } from './anonymous-account-codec.js';
import type { AccountKeys } from './account-keys.js';
import { isFaultOfEvent } from './decode-each.js';
import { SealBroken } from './seal.js';

/** The fault lies with the data or the key of one account; others can be read. */
export function concernsOneAccount(error: unknown): error is Error {
  return isFaultOfKey(error) || isFaultOfEvent(error);
}

/** The account goes on without its personal data; events that cannot be read at all are set aside. */
function isFaultOfKey(error: unknown): error is Error {
  return (
    error instanceof AccountKeyMissing ||
    error instanceof AccountKeyUnreadable ||
    error instanceof SealBroken
  );
}

type KeyEncryptionKeys = Pick<AccountKeys, 'requireKeyEncryptionKey'>;

/**
 * Whether the fault concerns all accounts: the configuration has to be mended, and no event may be set aside for it.
 *
 * @throws DatabaseUnavailable
 */
export async function concernsAllAccounts(
  keys: KeyEncryptionKeys,
  error: unknown,
): Promise<boolean> {
  if (error instanceof UnknownKey || error instanceof KeyEncryptionKeyWrong) return true;
  if (!(error instanceof AccountKeyUnreadable)) return false;
  return keys.requireKeyEncryptionKey(error.keyEncryptionKeyId).then(
    () => false,
    (fault: unknown) => concernsAllAccounts(keys, fault),
  );
}

export interface QuarantineOptions {
  readonly keys: KeyEncryptionKeys;
  readonly database: Queryable;
  /** The consumer that met the fault, for the record. */
  readonly consumer: string;
  /** Called once for each account; must not throw. */
  onQuarantined(accountId: string, error: Error): void;
}

/**
 * Reads account events for projections that must go on when single accounts cannot be read. From the first
 * event on that cannot be read, every personal field of the account is read as `erased`, also of later events
 * that could be read: an old password must not come back because a newer one is lost. The account stays on
 * record as unreadable until its person is forgotten.
 */
export class QuarantineCodec implements EventReader<AccountEvent> {
  readonly assertKnown = assertKnownEvent;
  /** By account. Read once: while this reads the log, no other process adds an account that it would not find. */
  private known: Promise<Map<string, UnreadableAccount[]>> | undefined;

  constructor(
    private readonly codec: Pick<EventReader<AccountEvent>, 'decode'>,
    private readonly options: QuarantineOptions,
  ) {}

  /**
   * @throws KeyEncryptionKeyWrong, UnknownKey: no account can be read
   * @throws DatabaseUnavailable, and whatever the codec throws that does not concern one account
   */
  async decode(events: readonly RecordedEvent[]): Promise<readonly AccountEvent[]> {
    const known = await this.readKnown();
    if (!events.some((event) => matters(event) && known.has(accountIdOf(event)))) {
      try {
        return await this.codec.decode(events);
      } catch (error) {
        if (!isFaultOfKey(error)) throw error;
      }
    }
    const facts: AccountEvent[] = [];
    for (const event of events) facts.push(await this.decodeOne(event, known));
    return facts;
  }

  private async readKnown(): Promise<Map<string, UnreadableAccount[]>> {
    this.known ??= findUnreadableAccounts(this.options.database).then((accounts) => {
      const byAccount = new Map<string, UnreadableAccount[]>();
      for (const account of accounts) add(byAccount, account);
      return byAccount;
    });
    try {
      return await this.known;
    } catch (error) {
      this.known = undefined;
      throw error;
    }
  }

  private async decodeOne(
    event: RecordedEvent,
    known: Map<string, UnreadableAccount[]>,
  ): Promise<AccountEvent> {
    const accounts = known.get(accountIdOf(event)) ?? [];
    if (accounts.some((account) => covers(account, event))) {
      if (typesThatForget.has(event.type)) await this.noteForgotten(event, accounts);
      return withoutPersonalData(event);
    }
    try {
      const [fact] = await this.codec.decode([event]);
      if (fact === undefined) throw new Error('the codec left out an event');
      return fact;
    } catch (error) {
      if (!isFaultOfKey(error)) throw error;
      await this.quarantine(event, error);
      const { revision: fromRevision } = event;
      add(known, { accountId: accountIdOf(event), fromRevision, forgottenRevision: undefined });
      return withoutPersonalData(event);
    }
  }

  /** @throws KeyEncryptionKeyWrong no account can be read: the configuration has to be mended */
  private async quarantine(event: RecordedEvent, error: Error): Promise<void> {
    const { keys, database, consumer, onQuarantined } = this.options;
    if (error instanceof AccountKeyUnreadable) {
      await keys.requireKeyEncryptionKey(error.keyEncryptionKeyId);
    }
    const accountId = accountIdOf(event);
    await recordUnreadableAccount(database, {
      accountId,
      fromRevision: event.revision,
      error: `${error.name}: ${error.message}`,
      consumer,
    });
    onQuarantined(accountId, error);
  }

  private async noteForgotten(event: RecordedEvent, accounts: UnreadableAccount[]): Promise<void> {
    const { revision: forgottenRevision } = event;
    await recordForgotten(this.options.database, accountIdOf(event), forgottenRevision);
    for (const [index, account] of accounts.entries()) {
      if (covers(account, event)) accounts[index] = { ...account, forgottenRevision };
    }
  }
}

function add(known: Map<string, UnreadableAccount[]>, account: UnreadableAccount): void {
  known.set(account.accountId, [...(known.get(account.accountId) ?? []), account]);
}

function matters({ type }: RecordedEvent): boolean {
  return personalFieldsOf(type).length > 0 || typesThatForget.has(type);
}

function accountIdOf({ streamName }: RecordedEvent): string {
  return accountIdOfStream(streamName);
}

/** @param account that the event is of */
function covers(account: UnreadableAccount, event: RecordedEvent): boolean {
  return (
    account.fromRevision <= event.revision &&
    (account.forgottenRevision === undefined || event.revision < account.forgottenRevision)
  );
}

function withoutPersonalData({ type, data, metadata }: RecordedEvent): AccountEvent {
  return fromStoredHiding({ type, schemaVersion: metadata.schemaVersion, data }, erased);
}
