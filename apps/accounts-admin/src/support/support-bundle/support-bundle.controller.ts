import { Query } from '@nestjs/common';
import * as z from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { LineAnswer } from '../../evidence/line-stream.js';
import { SupportBundleQuery } from './support-bundle.query.js';

const bundleQuery = z.strictObject({
  account: z
    .string()
    .max(400)
    .optional()
    .meta({
      description: 'Id or e-mail address of an account whose history goes in, without the person.',
      examples: ['6f9619ff-8b86-8d01-b42d-00cf4fc964ff'],
    }),
});

@AdminController('support')
export class SupportBundleController {
  constructor(private readonly query: SupportBundleQuery) {}

  @AdminCall('GET support-bundle', 'support:read', {
    operationId: 'exportSupportBundle',
    summary: 'What a developer needs to help: no personal data, no secret',
    description:
      'Versions, which settings are set, projections, failed events, statistics, and the newest events of one ' +
      'account with everything redacted that is not known to be harmless. A section that cannot be read names the ' +
      'error in place of its content. Signed where RECEIPT_KEY is set; apps/accounts-admin/verify-export.mjs checks it.',
    answer: lineAnswer(
      'One line a section',
      {
        format: 'support-bundle/v1',
        at: '2026-11-22T12:00:00.000Z',
        requestedBy: 'admin:1f2e3d4c5b6a7988',
      },
      {
        section: 'versions',
        content: { product: '0.1.0', node: 'v22.21.1', platform: 'linux x64' },
      },
      {
        section: 'settings',
        content: [
          { name: 'RECEIPT_KEY', isSet: true, value: null },
          { name: 'GUESSES_PER_CODE', isSet: false, value: 3 },
        ],
      },
      { section: 'eventStore', failure: 'EventStoreUnavailable' },
      {
        section: 'account',
        content: {
          accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
          events: 1,
          newest: [
            {
              revision: 0,
              type: 'AccountRegistered',
              data: { address: '[redacted]', registeredAt: '2026-11-22T11:59:12.000Z' },
            },
          ],
        },
      },
      signatureExample,
    ),
    problems: ['invalidRequest', 'accountNotFound'],
  })
  bundle(
    @Query({ schema: bundleQuery }) { account }: z.infer<typeof bundleQuery>,
    @CallerOf() caller: Caller,
  ): LineAnswer {
    const title = 'The bundle broke off.';
    return new LineAnswer(this.query.lines(account, caller), title);
  }
}
