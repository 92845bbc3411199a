import { parseLogPosition } from '@app/event-store';
import { Query } from '@nestjs/common';
import * as z from 'zod';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { LineAnswer } from '../line-stream.js';
import { ExportHeadsQuery } from './export-heads.query.js';

const MESSAGE = 'must be "reached" of an earlier export';

const headsQuery = z.strictObject({
  since: z
    .string()
    .refine((text) => text === 'start' || parseLogPosition(text) !== undefined, MESSAGE)
    .optional()
    .meta({
      description:
        '"reached" of an earlier export, or "start": the answer then has what proves that it continues that export.',
      examples: ['104729'],
    }),
});

@AdminController('history')
export class ExportHeadsController {
  constructor(private readonly query: ExportHeadsQuery) {}

  @AdminCall('GET heads', 'history:read', {
    summary: 'Verify the whole log, and export the signed heads of all histories',
    description:
      'One line a stream: its last revision and its head, or where it breaks. With "since", lines before these hold ' +
      'the digests of later events: each head is a hash of the head before and such a digest, so that the new heads can ' +
      'be computed from those of the earlier export, and from nothing else. The last line is signed; lines of progress ' +
      'are no part of that, and can be left out of a file. ' +
      'apps/accounts-admin/verify-export.mjs checks it offline, and against an earlier one.',
    answer: lineAnswer(
      'The heads as they come',
      { format: 'stream-heads/v2', at: '2026-11-22T12:00:00.000Z', since: '104729' },
      { progress: { events: 52_224, fraction: 0.41 } },
      {
        stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        after: 2,
        digests: ['9d4e…64 hexadecimal digits…'],
      },
      {
        stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        revision: 3,
        head: '3b0f…64 hexadecimal digits…',
      },
      { reached: '130113' },
      signatureExample,
    ),
    problems: ['invalidRequest', 'logWalkRunning', 'receiptsNotConfigured'],
  })
  export(@Query({ schema: headsQuery }) { since }: z.infer<typeof headsQuery>): LineAnswer {
    const title = 'The log could not be read to its end.';
    const from = since === undefined || since === 'start' ? since : parseLogPosition(since);
    return new LineAnswer(this.query.begin(from), title);
  }
}
