import { accountStreamPrefix, typesThatForget } from '@app/accounts';
import type { AccountEvent, AccountEventType } from '@app/accounts';
import { accountsProjection } from './accounts/accounts.projection.js';
import { activationMailsProjection } from './activation-mails/activation-mails.projection.js';
import type { Projection, ProjectionOptions } from '@app/consumers';
import { statisticsProjection } from './statistics/statistics.projection.js';
import { auditProjection, auditReader } from './audit/audit.projection.js';
import type { AuditEvent } from './audit/audit.projection.js';
import type { EventReader } from '@app/event-store';

/**
 * Everything that follows the log from a checkpoint of its own. Worker, admin, metrics, restore and the table in
 * docs/events.md go by these lists.
 */

/** What projections are made of. */
type LoggedFact = AccountEvent | AuditEvent;

export interface ProjectionConsumer extends Projection<LoggedFact> {
  readonly kind: 'projection';
  /** Reads its events, where they are none of accounts. */
  readonly reader?: EventReader<LoggedFact>;
  /**
   * Its rows are built with the keys of accounts, and an account that cannot be read is quarantined. Every other
   * projection reads nothing in place of personal fields.
   */
  readonly holdsPersonalData: boolean;
  /** When the log turns out to be another one, its worker keeps every process from using the database. */
  readonly refusesOtherLogs: boolean;
  readonly batches: Pick<ProjectionOptions<LoggedFact>, 'maxBatchSize' | 'lingerMs' | 'isSilent'>;
}

export interface SagaConsumer {
  readonly kind: 'saga';
  readonly name: string;
  readonly streamNamePrefixes: readonly [string, ...string[]];
  /** It reacts to events of these types; others are passed over without being read. */
  readonly eventTypes: ReadonlySet<string>;
}

export type Consumer = ProjectionConsumer | SagaConsumer;

/** Operators look at these rows now and then: larger batches are worth a moment's delay. */
const operatorView = {
  kind: 'projection',
  holdsPersonalData: false,
  refusesOtherLogs: false,
  // What comes in the meantime fits into one batch up to some thousand events a second.
  batches: { lingerMs: 500, maxBatchSize: 2_000, isSilent: true },
} as const;

export const projections: readonly ProjectionConsumer[] = [
  {
    ...accountsProjection,
    kind: 'projection',
    holdsPersonalData: true,
    refusesOtherLogs: true,
    batches: {},
  },
  { ...statisticsProjection, ...operatorView },
  { ...activationMailsProjection, ...operatorView },
  // The admin API waits for the record of its own calls.
  {
    ...auditProjection,
    ...operatorView,
    batches: { ...operatorView.batches, isSilent: false },
    reader: auditReader,
  },
];

/** Sends mails: activation codes, and notices to owners. */
const activationMailConsumer = {
  kind: 'saga',
  name: 'activation-mail',
  streamNamePrefixes: [accountStreamPrefix],
  eventTypes: new Set<AccountEventType>(['ActivationCodeIssued', 'OwnerNoticeIssued']),
} as const satisfies SagaConsumer;

/** Apart from the mails: a person who is to be forgotten does not wait for an e-mail provider. */
export const forgetPersonsConsumer = {
  kind: 'saga',
  name: 'forget-persons',
  streamNamePrefixes: [accountStreamPrefix],
  eventTypes: typesThatForget,
} as const satisfies SagaConsumer;

export const sagas = [activationMailConsumer, forgetPersonsConsumer] as const;

export type SagaName = (typeof sagas)[number]['name'];

export const consumers: readonly Consumer[] = [...projections, ...sagas];
