import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { projectionAnswer } from './projection-answer.js';
import { WatchProjectionsQuery } from './watch-projections.query.js';

const projectionsAnswer = z.object({ projections: z.array(projectionAnswer) });

@AdminController('projections')
export class WatchProjectionsController {
  constructor(private readonly query: WatchProjectionsQuery) {}

  @AdminCall('GET projections', 'projections:read', {
    summary: 'How those that follow the log are getting on',
    description: 'Counted at the moment of the call.',
    answer: jsonAnswer('Every projection and saga', projectionsAnswer),
  })
  async watch(): Promise<z.infer<typeof projectionsAnswer>> {
    return { projections: await this.query.watch() };
  }
}
