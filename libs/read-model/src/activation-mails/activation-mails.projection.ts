import { accountIdOfStream, accountStreamPrefix } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { LogPosition, StreamRevision } from '@app/event-store';
import type { Queryable } from '../database.js';
import { plainArray } from '../plain-array.js';
import type { BatchProjection, ProjectedEvent } from '../projection.js';

const typesThatChangeMails: ReadonlySet<string> = new Set<AccountEvent['type']>([
  'ActivationCodeIssued',
  'ActivationCodeSent',
  'ActivationCodeUndeliverable',
  'ActivationMailBounced',
  'AccountActivated',
  'RegistrationLapsed',
  'AccountErased',
]);

/** Keeps `read_model.activation_mails`: what became of the mail of each activation code. */
export const activationMailsProjection: BatchProjection<AccountEvent> = {
  name: 'activation-mails',
  streamNamePrefixes: [accountStreamPrefix],
  table: 'activation_mails',
  eventTypes: typesThatChangeMails,
  async write(transaction, table, events) {
    const facts = events.filter(({ event }) => changesMails(event));
    const mails = await openBefore(transaction, table, facts);
    const changed = new Set<MailRow>();
    for (const fact of facts) applyFact(mails, fact, changed);
    if (changed.size > 0) await upsert(transaction, table, [...changed]);
  },
};

interface MailRow {
  readonly accountId: string;
  readonly issueNumber: number;
  readonly issuedAt: string;
  status: 'issued' | 'sent' | 'undeliverable' | 'obsolete';
  sentAt: string | null;
  providerMessageId: string | null;
  abandonedAt: string | null;
  reason: string | null;
  attempts: number | null;
  revision: StreamRevision;
  position: LogPosition;
}

/** The mails of each account of which more may be heard: issued, or sent; at most a few. */
type OpenMails = Map<string, MailRow[]>;
type Fact = ProjectedEvent<AccountEvent>;

function changesMails({ type }: AccountEvent): boolean {
  return typesThatChangeMails.has(type);
}

function applyFact(mails: OpenMails, fact: Fact, changed: Set<MailRow>): void {
  const { event, revision, position, streamName } = fact;
  const accountId = accountIdOfStream(streamName);
  const open = mails.get(accountId) ?? [];
  const change = (mail: MailRow | undefined, outcome: Partial<MailRow>) => {
    if (mail) changed.add(Object.assign(mail, outcome, { revision, position }));
  };
  const inStatus = (issueNumber: number, status: MailRow['status']) =>
    open.find((mail) => mail.issueNumber === issueNumber && mail.status === status);
  switch (event.type) {
    case 'ActivationCodeIssued': {
      for (const mail of open) if (mail.status === 'issued') change(mail, { status: 'obsolete' });
      const mail = newMail(accountId, fact, event.data);
      mails.set(accountId, [...open, mail]);
      changed.add(mail);
      return;
    }
    case 'ActivationCodeSent': {
      const { issueNumber, sentAt, providerMessageId } = event.data;
      const outcome = { status: 'sent', sentAt: text(sentAt), providerMessageId } as const;
      change(inStatus(issueNumber, 'issued'), outcome);
      return;
    }
    case 'ActivationCodeUndeliverable': {
      const { issueNumber, abandonedAt, reason, attempts } = event.data;
      const outcome = { abandonedAt: text(abandonedAt), reason, attempts };
      change(inStatus(issueNumber, 'issued'), { status: 'undeliverable', ...outcome });
      return;
    }
    case 'ActivationMailBounced': {
      const { issueNumber, kind, bouncedAt } = event.data;
      if (kind !== 'permanent') return;
      const outcome = { abandonedAt: text(bouncedAt), reason: 'it came back from the address' };
      const mail = inStatus(issueNumber, 'sent') ?? inStatus(issueNumber, 'issued');
      change(mail, { status: 'undeliverable', ...outcome });
      return;
    }
    case 'AccountActivated':
    case 'RegistrationLapsed':
    case 'AccountErased':
      for (const mail of open) if (mail.status === 'issued') change(mail, { status: 'obsolete' });
      return;
    default:
      return;
  }
}

function newMail(
  accountId: string,
  { revision, position }: Fact,
  { issueNumber, issuedAt }: { readonly issueNumber: number; readonly issuedAt: number },
): MailRow {
  return {
    accountId,
    issueNumber,
    issuedAt: text(issuedAt),
    status: 'issued',
    sentAt: null,
    providerMessageId: null,
    abandonedAt: null,
    reason: null,
    attempts: null,
    revision,
    position,
  };
}

/** Accounts whose first code is among the facts have no row yet; those of the others are read. */
async function openBefore(
  transaction: Queryable,
  table: string,
  facts: readonly Fact[],
): Promise<OpenMails> {
  const begun = new Set<string>();
  const known = new Set<string>();
  for (const { streamName, event } of facts) {
    if (event.type === 'ActivationCodeIssued' && event.data.issueNumber === 1) {
      begun.add(streamName);
    } else if (!begun.has(streamName)) {
      known.add(accountIdOfStream(streamName));
    }
  }
  const mails: OpenMails = new Map();
  if (known.size === 0) return mails;
  const { rows } = await transaction.query<OpenRow>({
    text: `select account_id, issue_number, issued_at, status, sent_at, provider_message_id, revision,
                  position
           from ${table} where account_id = any($1::uuid[]) and status in ('issued', 'sent')`,
    values: [[...known]],
  });
  for (const row of rows) {
    const mail: MailRow = {
      accountId: row.account_id,
      issueNumber: row.issue_number,
      issuedAt: row.issued_at.toISOString(),
      status: row.status,
      sentAt: row.sent_at?.toISOString() ?? null,
      providerMessageId: row.provider_message_id,
      abandonedAt: null,
      reason: null,
      attempts: null,
      revision: row.revision,
      position: row.position,
    };
    mails.set(mail.accountId, [...(mails.get(mail.accountId) ?? []), mail]);
  }
  return mails;
}

interface OpenRow {
  readonly account_id: string;
  readonly issue_number: number;
  readonly issued_at: Date;
  readonly status: 'issued' | 'sent';
  readonly sent_at: Date | null;
  readonly provider_message_id: string | null;
  readonly revision: bigint;
  readonly position: bigint;
}

async function upsert(
  transaction: Queryable,
  table: string,
  rows: readonly MailRow[],
): Promise<void> {
  await transaction.query({
    text: `insert into ${table} as stored
             (account_id, issue_number, status, issued_at, sent_at, provider_message_id, abandoned_at,
              reason, attempts, revision, position)
           select * from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[],
             $5::timestamptz[], $6::text[], $7::timestamptz[], $8::text[], $9::int[], $10::bigint[],
             $11::bigint[])
           on conflict (account_id, issue_number) do update
             set status = excluded.status, sent_at = excluded.sent_at,
                 provider_message_id = excluded.provider_message_id,
                 abandoned_at = excluded.abandoned_at, reason = excluded.reason,
                 attempts = excluded.attempts, revision = excluded.revision,
                 position = excluded.position
             where stored.revision < excluded.revision`,
    values: [
      plainArray(rows.map((row) => row.accountId)),
      plainArray(rows.map((row) => row.issueNumber)),
      plainArray(rows.map((row) => row.status)),
      plainArray(rows.map((row) => row.issuedAt)),
      plainArray(rows.map((row) => row.sentAt)),
      rows.map((row) => row.providerMessageId),
      plainArray(rows.map((row) => row.abandonedAt)),
      rows.map((row) => row.reason),
      plainArray(rows.map((row) => row.attempts)),
      plainArray(rows.map((row) => row.revision)),
      plainArray(rows.map((row) => row.position)),
    ],
  });
}

function text(instant: number): string {
  return new Date(instant).toISOString();
}
