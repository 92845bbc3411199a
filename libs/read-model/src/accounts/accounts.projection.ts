import { accountIdOfStream, accountStreamPrefix } from '@app/accounts';
import type { AccountEvent, Instant } from '@app/accounts';
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
        text: `insert into read_model.accounts
                 (account_id, revision, position, address, password_hash, registration_number,
                  status, registered_at)
               values ($1, $2, $3, $4, $5, 1, 'pending', $6)
               on conflict (account_id) do nothing`,
        values: [
          accountId,
          revision,
          position,
          event.data.address,
          event.data.passwordHash,
          timestamp(event.data.registeredAt),
        ],
      };
    case 'RegistrationRenewed':
      return {
        name: 'registration-renewed',
        text: `update read_model.accounts
               set revision = $2, position = $3, password_hash = $4,
                   registration_number = registration_number + 1
               where account_id = $1 and revision < $2 and status = 'pending'`,
        values: [accountId, revision, position, event.data.passwordHash],
      };
    case 'PasswordHashUpgraded':
      return {
        name: 'password-hash-upgraded',
        text: `update read_model.accounts
               set revision = $2, position = $3, password_hash = $4
               where account_id = $1 and revision < $2`,
        values: [accountId, revision, position, event.data.passwordHash],
      };
    case 'AccountActivated':
      return {
        name: 'account-activated',
        text: `update read_model.accounts
               set revision = $2, position = $3, status = 'active', activated_at = $4
               where account_id = $1 and revision < $2 and status = 'pending'`,
        values: [accountId, revision, position, timestamp(event.data.activatedAt)],
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
