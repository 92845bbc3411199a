import { UnknownEvent } from '@app/event-store';
import type { EventReader, RecordedEvent } from '@app/event-store';
import type { Projection } from '@app/consumers';

export const auditStreamPrefix = 'audit-';

/** A call of the admin API: who was shown what of which accounts. Holds no personal data. */
export interface AuditedCall {
  readonly keyId: string;
  /** ISO 8601. */
  readonly at: string;
  /** Such as `view-account`. */
  readonly operation: string;
  /** `answered`, or the slug of the problem that it was answered with. */
  readonly outcome: string;
  readonly accountIds: readonly string[];
  /** Names of the parameters that were used; their values may be addresses. */
  readonly filters?: readonly string[];
  /** The key that was made or revoked. */
  readonly subjectKeyId?: string;
  readonly callerRequestId?: string;
}

export interface AuditEvent {
  readonly type: 'AdminCallAnswered';
  readonly data: AuditedCall;
  readonly requestId: string;
}

/** The second is what it was called while only reads that were answered were recorded. */
const auditEventTypes: ReadonlySet<string> = new Set<string>([
  'AdminCallAnswered' satisfies AuditEvent['type'],
  'PersonalDataRead',
]);

/** Reads the audit streams; they hold nothing that is sealed. */
export const auditReader: EventReader<AuditEvent> = {
  decode: async (events) =>
    events.map(({ data, metadata }) => ({
      type: 'AdminCallAnswered',
      data: { outcome: 'answered', ...(data as Omit<AuditedCall, 'outcome'>) },
      requestId: metadata.$correlationId,
    })),
  assertKnown: ({ type, metadata: { schemaVersion } }: RecordedEvent) => {
    if (schemaVersion !== 1 || !auditEventTypes.has(type)) {
      throw new UnknownEvent(type, schemaVersion);
    }
  },
};

/** Keeps `read_model.audit`: who was shown what, by key, account and time. */
export const auditProjection: Projection<AuditEvent> = {
  name: 'audit',
  streamNamePrefixes: [auditStreamPrefix],
  table: 'audit',
  eventTypes: auditEventTypes,
  async write(transaction, table, events) {
    const calls = events.filter(({ event }) => auditEventTypes.has(event.type));
    if (calls.length === 0) return;
    const rows = calls.map(({ position, event: { data, requestId } }) => ({
      position: String(position),
      at: data.at,
      key_id: data.keyId,
      operation: data.operation,
      outcome: data.outcome,
      account_ids: data.accountIds,
      filters: data.filters ?? [],
      subject_key_id: data.subjectKeyId,
      request_id: requestId,
      caller_request_id: data.callerRequestId,
    }));
    await transaction.query({
      name: `audit, ${table}`,
      text: `insert into ${table} select * from json_populate_recordset(null::${table}, $1)
             on conflict (position) do nothing`,
      values: [JSON.stringify(rows)],
    });
  },
};
