import { invalidRequest } from '@app/http-service';
import { intervalMs, statisticNames, statisticsBetween } from '@app/views';
import type { Queryable } from '@app/postgres';
import type { StatisticName } from '@app/views';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { READ_MODEL } from '../../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { instantParameter } from '../../request-values.js';

const MOST_INTERVALS = 1_500;
const DEFAULT_INTERVALS = 60;

const statisticsQuery = z.strictObject({
  interval: z.enum(['minute', 'hour', 'day'], 'must be minute, hour or day').default('hour'),
  from: instantParameter('From the interval of this time on; 60 intervals before "to".').optional(),
  to: instantParameter('Up to and with the interval of this time; now when left out.').optional(),
});

const counts = Object.fromEntries(statisticNames.map((name) => [name, z.int()])) as Record<
  StatisticName,
  z.ZodInt
>;

const statisticsAnswer = z.object({
  interval: z.enum(['minute', 'hour', 'day']),
  intervals: z.array(z.object({ at: z.iso.datetime(), ...counts })),
});

@AdminController('statistics')
export class ViewStatisticsController {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @AdminCall('GET statistics', 'accounts:read', {
    summary: 'How often what happened, per minute, hour or day (UTC)',
    description:
      'Counts only. "expiries" are codes that were tried after their minute, "exhaustions" codes that were ' +
      'tried when no guess was left.',
    answer: jsonAnswer('Every interval, those without events included', statisticsAnswer),
    problems: ['invalidRequest'],
  })
  async view(
    @Query({ schema: statisticsQuery }) query: z.infer<typeof statisticsQuery>,
  ): Promise<z.infer<typeof statisticsAnswer>> {
    const { interval } = query;
    const length = intervalMs[interval];
    const begin = (time: number) => Math.floor(time / length) * length;
    const to = begin(query.to === undefined ? this.clock() : Date.parse(query.to)) + length;
    const from =
      query.from === undefined ? to - DEFAULT_INTERVALS * length : begin(Date.parse(query.from));
    if (from >= to) throw invalidRequest([{ field: 'to', message: 'is before "from"' }]);
    if ((to - from) / length > MOST_INTERVALS) {
      const message = `asks for more than ${MOST_INTERVALS} intervals; choose a longer interval`;
      throw invalidRequest([{ field: 'from', message }]);
    }
    const rows = await statisticsBetween(this.readModel, interval, new Date(from), new Date(to));
    return {
      interval,
      intervals: rows.map((row) => ({ ...row, at: row.at.toISOString() })),
    };
  }
}
