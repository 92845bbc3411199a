import { accountIdOfStream, accountStreamPrefix, isErased } from '@app/accounts';
import type { AccountEvent, Instant, PersonalText } from '@app/accounts';
import type { LogPosition, StreamRevision } from '@app/event-store';
import type { Statement } from '../database.js';
import type { Projection } from '../projection.js';

export interface ProjectedAccountEvent {
  readonly accountId: string;
  readonly revision: StreamRevision;
  readonly position: LogPosition;
  readonly event: AccountEvent;
}

/** Keeps `read_model.accounts`. */
export const accountsProjection: Projection<AccountEvent> = {
  name: 'accounts',
  streamNamePrefixes: [accountStreamPrefix],
  project: ({ streamName, revision, position, event }) =>
    projectAccountEvent({ accountId: accountIdOfStream(streamName), revision, position, event }),
};

/** The row stays: its numbers go on when the address is registered anew. */
const forgetPerson = `update read_model.accounts
               set revision = $2, position = $3, address = null, password_hash = null,
                   activated_at = null`;

/** Null once it was erased: a row holds no personal data that the log does not. */
export function columnOf(text: PersonalText): string | null {
  return isErased(text) ? null : text;
}

/**
 * The change of an account's row that follows from a fact; nothing for facts that a row does not show.
 * Like the account itself, the row ignores facts that cannot follow its state.
 */
export function projectAccountEvent(fact: ProjectedAccountEvent): Statement | undefined {
  const { accountId, revision, position, event } = fact;
  switch (event.type) {
    case 'AccountRegistered':
      return {
        name: 'account-registered',
        text: `insert into read_model.accounts as stored
                 (account_id, revision, position, address, password_hash, registration_number,
                  status, registered_at)
               values ($1, $2, $3, $4, $5, $7, 'pending', $6)
               on conflict (account_id) do update
                 set revision = excluded.revision, position = excluded.position,
                     address = excluded.address, password_hash = excluded.password_hash,
                     registration_number = excluded.registration_number,
                     status = excluded.status, registered_at = excluded.registered_at
                 where stored.revision < excluded.revision
                   and stored.status in ('lapsed', 'erased')`,
        values: [
          accountId,
          revision,
          position,
          columnOf(event.data.address),
          columnOf(event.data.passwordHash),
          timestamp(event.data.registeredAt),
          event.data.registrationNumber ?? 1,
        ],
      };
    case 'RegistrationRenewed':
      return {
        name: 'registration-renewed',
        text: `update read_model.accounts
               set revision = $2, position = $3, password_hash = $4,
                   registration_number = registration_number + 1
               where account_id = $1 and revision < $2 and status = 'pending'`,
        values: [accountId, revision, position, columnOf(event.data.passwordHash)],
      };
    case 'PasswordHashUpgraded':
      return {
        name: 'password-hash-upgraded',
        text: `update read_model.accounts
               set revision = $2, position = $3, password_hash = $4
               where account_id = $1 and revision < $2 and status in ('pending', 'active')`,
        values: [accountId, revision, position, columnOf(event.data.passwordHash)],
      };
    case 'AccountActivated':
      return {
        name: 'account-activated',
        text: `update read_model.accounts
               set revision = $2, position = $3, status = 'active', activated_at = $4
               where account_id = $1 and revision < $2 and status = 'pending'`,
        values: [accountId, revision, position, timestamp(event.data.activatedAt)],
      };
    case 'RegistrationLapsed':
      return {
        name: 'registration-lapsed',
        text: `${forgetPerson}, status = 'lapsed'
               where account_id = $1 and revision < $2 and status = 'pending'`,
        values: [accountId, revision, position],
      };
    case 'AccountErased':
      return {
        name: 'account-erased',
        text: `${forgetPerson}, status = 'erased'
               where account_id = $1 and revision < $2 and status <> 'erased'`,
        values: [accountId, revision, position],
      };
    case 'RegistrationRefused':
    case 'ActivationCodeIssued':
    case 'ActivationCodeSent':
    case 'ActivationCodeUndeliverable':
    case 'ActivationMailDelivered':
    case 'ActivationMailBounced':
    case 'ActivationMailReportedAsSpam':
    case 'ActivationRefused':
    case 'OwnerNoticeIssued':
    case 'OwnerNotified':
    case 'OwnerNoticeUndeliverable':
      return undefined;
  }
}

function timestamp(instant: Instant): Date {
  return new Date(instant);
}
