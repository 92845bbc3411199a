import { accountStreamName } from '@app/accounts';
import type { Account, AccountCommand, AccountEventType } from '@app/accounts';
import { foldStream, handleCommand, loadStream } from '@app/event-store';
import type { Accounts } from '@app/personal-data';
import type { RecordedFact } from '../durable-sagas/recorded-fact.js';
import type { Delivery, MailProviders } from './mail-providers.js';
import type { Mail } from './mail.js';

export interface MailOfAccount<Wanted extends Account> {
  /** Two mails with the same key are one mail. */
  readonly idempotencyKey: string;
  isToBeSent(state: Account): state is Wanted;
  /** Why it makes no sense to send, or to try again; undefined while it does. */
  whyHopeless(state: Wanted): string | undefined;
  mailOf(state: Wanted): Mail;
  recordOf(delivery: Delivery): AccountCommand;
}

/**
 * Sends a mail and records what became of it. Decides from the account's history each time, so that repeating it sends
 * nothing twice, and nothing that was superseded meanwhile; the provider's idempotency covers the gap between its
 * acceptance and our record of it. The history is read, unless it was delivered with the event only just now.
 *
 * @param issued the fact that asks for the mail
 * @throws MailProviderUnavailable, EventStoreUnavailable, DatabaseUnavailable: it is tried again
 */
export async function deliverOnce<Wanted extends Account>(
  accounts: Accounts,
  mails: MailProviders,
  issued: Omit<RecordedFact<AccountEventType>, 'data'>,
  mail: MailOfAccount<Wanted>,
): Promise<void> {
  const { accountId, eventId, correlationId, delivered } = issued;
  const { idempotencyKey } = mail;
  const streamName = accountStreamName(accountId);
  const history = delivered();
  const loaded = await (history ? foldStream(accounts, history) : loadStream(accounts, streamName));
  const { state } = loaded;
  if (mail.isToBeSent(state)) {
    const hopeless = mail.whyHopeless(state);
    const delivery = hopeless
      ? mails.giveUp(idempotencyKey, hopeless)
      : await mails.send(mail.mailOf(state), idempotencyKey);
    await handleCommand(
      accounts,
      streamName,
      () => mail.recordOf(delivery),
      { $correlationId: correlationId, $causationId: eventId, actor: 'worker' },
      loaded,
    );
  }
  mails.forget(idempotencyKey);
}
