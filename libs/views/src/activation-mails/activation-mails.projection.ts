import { accountIdOfStream, accountStreamPrefix } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { column, rowProjection } from '@app/consumers';
import type { Fold, RowOf } from '@app/consumers';

const columns = {
  accountId: column<string>('uuid'),
  issueNumber: column<number>('int'),
  status: column<'issued' | 'sent' | 'undeliverable' | 'obsolete'>('text'),
  issuedAt: column<Date>('timestamptz'),
  sentAt: column<Date | null>('timestamptz'),
  providerMessageId: column<string | null>('text'),
  abandonedAt: column<Date | null>('timestamptz'),
  reason: column<string | null>('text'),
  attempts: column<number | null>('int'),
};

type MailRow = RowOf<typeof columns>;

const fold: Fold<AccountEvent, MailRow> = {
  ActivationCodeIssued: (mail, { issueNumber, issuedAt }, accountId) =>
    mail
      ? overtaken(mail)
      : {
          accountId,
          issueNumber,
          status: 'issued',
          issuedAt: new Date(issuedAt),
          sentAt: null,
          providerMessageId: null,
          abandonedAt: null,
          reason: null,
          attempts: null,
        },
  ActivationCodeSent: (mail, { issueNumber, sentAt, providerMessageId }) =>
    mail?.issueNumber === issueNumber && mail.status === 'issued'
      ? { ...mail, status: 'sent', sentAt: new Date(sentAt), providerMessageId }
      : undefined,
  ActivationCodeUndeliverable: (mail, { issueNumber, abandonedAt, reason, attempts }) =>
    mail?.issueNumber === issueNumber && mail.status === 'issued'
      ? { ...mail, status: 'undeliverable', abandonedAt: new Date(abandonedAt), reason, attempts }
      : undefined,
  ActivationMailBounced: (mail, { issueNumber, kind, bouncedAt }) =>
    kind === 'permanent' &&
    mail?.issueNumber === issueNumber &&
    (mail.status === 'issued' || mail.status === 'sent')
      ? {
          ...mail,
          status: 'undeliverable',
          abandonedAt: new Date(bouncedAt),
          reason: 'it came back from the address',
        }
      : undefined,
  AccountActivated: overtaken,
  AccountFreed: overtaken,
  RegistrationLapsed: overtaken,
  AccountErased: overtaken,
};

/** Keeps `read_model.activation_mails`: what became of the mail of each activation code. */
export const activationMailsProjection = rowProjection({
  name: 'activation-mails',
  streamNamePrefixes: [accountStreamPrefix],
  table: 'activation_mails',
  columns,
  key: ['accountId', 'issueNumber'],
  streamId: accountIdOfStream,
  begins: ({ event }) => event.type === 'ActivationCodeIssued' && event.data.issueNumber === 1,
  mayChange: `status in ('issued', 'sent')`,
  fold,
});

/** A later fact came before the mail's dispatch was on record. */
function overtaken(mail: MailRow | undefined): MailRow | undefined {
  return mail?.status === 'issued' ? { ...mail, status: 'obsolete' } : undefined;
}
