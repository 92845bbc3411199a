import type { Queryable } from '@app/postgres';
import { columnName } from '@app/consumers';
import { statisticNames } from './statistics.projection.js';
import type { StatisticCounts, StatisticName } from './statistics.projection.js';

export const intervalMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

export type StatisticsInterval = keyof typeof intervalMs;

export interface IntervalStatistics extends StatisticCounts {
  /** Begin of the interval, in UTC. */
  readonly at: Date;
}

/**
 * One entry per interval, oldest first, those without a single event included.
 *
 * @param from begin of the first interval; must be the begin of one, in UTC
 * @param to end of the last interval, not included
 * @throws DatabaseUnavailable
 */
export async function statisticsBetween(
  database: Queryable,
  interval: StatisticsInterval,
  from: Date,
  to: Date,
): Promise<readonly IntervalStatistics[]> {
  const sums = statisticNames.map(
    (name) => `coalesce(sum(${columnName(name)}), 0)::int as "${name}"`,
  );
  const { rows } = await database.query<IntervalStatistics>({
    name: `statistics-by-${interval}`,
    text: `select span.at, ${sums.join(', ')}
           from generate_series($1::timestamptz, $2::timestamptz - interval '1 ms', interval '1 ${interval}') as span (at)
           left join read_model.statistics
             on minute >= span.at and minute < span.at + interval '1 ${interval}'
           group by span.at order by span.at`,
    values: [from, to],
  });
  return rows;
}

/**
 * So many intervals, that of this time the last.
 *
 * @param now in milliseconds since the Unix epoch
 * @throws DatabaseUnavailable
 */
export async function newestStatistics(
  database: Queryable,
  interval: StatisticsInterval,
  count: number,
  now: number,
): Promise<readonly IntervalStatistics[]> {
  const length = intervalMs[interval];
  const to = (Math.floor(now / length) + 1) * length;
  return statisticsBetween(database, interval, new Date(to - count * length), new Date(to));
}

const RECENT_MINUTES = 15;

/**
 * What happened in the minute at hand and in the 15 before it.
 *
 * @param now in milliseconds since the Unix epoch
 * @throws DatabaseUnavailable
 */
export async function recentStatistics(database: Queryable, now: number): Promise<StatisticCounts> {
  const minutes = await newestStatistics(database, 'minute', RECENT_MINUTES + 1, now);
  return Object.fromEntries(
    statisticNames.map((name) => [name, minutes.reduce((sum, minute) => sum + minute[name], 0)]),
  ) as Record<StatisticName, number>;
}
