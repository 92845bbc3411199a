import type { Queryable } from '@app/postgres';
import { columnName } from '@app/consumers';
import { statisticNames } from './statistics.projection.js';
import type { StatisticCounts } from './statistics.projection.js';

export type StatisticsInterval = 'minute' | 'hour' | 'day';

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
