import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RequiresScope } from '../../keys/scopes.js';
import { ApiAnswer, ApiProblems } from '../../api-description/api-description.js';
import { projectionAnswer, toProjectionAnswer } from './projection-answer.js';
import { WatchProjectionsQuery } from './watch-projections.query.js';

const projectionsAnswer = z.object({ projections: z.array(projectionAnswer) });

@ApiTags('projections')
@ApiBearerAuth('key')
@Controller('admin/v1/projections')
export class WatchProjectionsController {
  constructor(private readonly query: WatchProjectionsQuery) {}

  @Get()
  @RequiresScope('projections:read')
  @ApiOperation({
    summary: 'How those that follow the log are getting on',
    description: 'Counted at the moment of the call.',
  })
  @ApiAnswer(200, 'Every projection and saga', projectionsAnswer)
  @ApiProblems('unauthenticated', 'forbidden', 'serviceUnavailable')
  async watch(): Promise<z.infer<typeof projectionsAnswer>> {
    return { projections: (await this.query.watch()).map(toProjectionAnswer) };
  }
}
