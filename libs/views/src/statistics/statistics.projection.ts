import { accountStreamPrefix, instantOf } from '@app/accounts';
import type { AccountEvent, AccountEventType } from '@app/accounts';
import type { LogPosition } from '@app/event-store';
import type { ProjectedEvent, Projection } from '@app/consumers';
import type { NamedStatement } from '@app/postgres';
import { columnName } from '@app/consumers';

/** What is counted; each has a column of its own, in this order. */
export const statisticNames = [
  'registrations',
  'renewals',
  'refusedRegistrations',
  'activations',
  'codesIssued',
  'mailsSent',
  'mailsUndeliverable',
  'wrongGuesses',
  'expiries',
  'exhaustions',
] as const;

export type StatisticName = (typeof statisticNames)[number];
export type StatisticCounts = Readonly<Record<StatisticName, number>>;

const MINUTE_MS = 60_000;
const columns = statisticNames.map(columnName);

const countedAs: { readonly [Type in AccountEventType]?: StatisticName } = {
  AccountRegistered: 'registrations',
  RegistrationRenewed: 'renewals',
  RegistrationRefused: 'refusedRegistrations',
  AccountActivated: 'activations',
  ActivationCodeIssued: 'codesIssued',
  ActivationCodeSent: 'mailsSent',
  ActivationCodeUndeliverable: 'mailsUndeliverable',
};

const refusals = {
  incorrect: 'wrongGuesses',
  expired: 'expiries',
  exhausted: 'exhaustions',
} as const satisfies Record<string, StatisticName>;

/** Keeps `read_model.statistics`: how often what happened, by the minute in which it happened. */
export const statisticsProjection: Projection<AccountEvent> = {
  name: 'statistics',
  streamNamePrefixes: [accountStreamPrefix],
  table: 'statistics',
  eventTypes: new Set([...Object.keys(countedAs), 'ActivationRefused']),
  async write(transaction, table, events, isLate = false) {
    const statement = statementFor(table, events, isLate);
    if (statement) await transaction.query(statement);
  },
  singleWrite: (table, events) =>
    statementFor(table, events, false, 'where exists (select from moved)'),
};

function statementFor(
  table: string,
  events: readonly ProjectedEvent<AccountEvent>[],
  isLate: boolean,
  condition = '',
): NamedStatement | undefined {
  const minutes = new Map<number, MinuteRow>();
  for (const { event, position } of events) {
    const name = statisticOf(event);
    if (name === undefined) continue;
    const minute = Math.floor(instantOf(event) / MINUTE_MS) * MINUTE_MS;
    const row = minutes.get(minute) ?? { counts: noCounts(), position };
    row.counts[name] += 1;
    row.position = position;
    minutes.set(minute, row);
  }
  if (minutes.size === 0) return undefined;
  const rows = [...minutes.values()];
  return {
    name: `counts after, ${table}`,
    text: `insert into ${table} as stored (minute, ${columns.join(', ')}, position)
             select * from unnest($1::timestamptz[], ${columns.map((_, index) => `$${index + 2}::int[]`).join(', ')},
               $${columns.length + 2}::bigint[])
             ${condition}
             on conflict (minute) do update
               set ${columns.map((column) => `${column} = stored.${column} + excluded.${column}`).join(', ')},
                   position = greatest(stored.position, excluded.position)
               where stored.position < excluded.position or $${columns.length + 3}`,
    values: [
      [...minutes.keys()].map((minute) => new Date(minute).toISOString()),
      ...statisticNames.map((name) => rows.map(({ counts }) => counts[name])),
      rows.map(({ position }) => position),
      isLate,
    ],
  };
}

/** What a fact counts as; nothing for facts that are not counted. */
function statisticOf(event: AccountEvent): StatisticName | undefined {
  return event.type === 'ActivationRefused' ? refusals[event.data.reason] : countedAs[event.type];
}

interface MinuteRow {
  readonly counts: Record<StatisticName, number>;
  position: LogPosition;
}

function noCounts(): Record<StatisticName, number> {
  return Object.fromEntries(statisticNames.map((name) => [name, 0])) as Record<
    StatisticName,
    number
  >;
}
