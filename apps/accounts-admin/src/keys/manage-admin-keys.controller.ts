import { Body, Param } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../api-description/admin-call.js';
import { answerOf } from '../answer-of.js';
import { AdminKeys } from './admin-keys.js';
import { CallerOf } from './caller.js';
import type { Caller } from './caller.js';
import { IssueAdminKeyCommand, RevokeAdminKeyCommand } from './manage-admin-keys.handlers.js';
import { scopes } from './scopes.js';

const keyRequest = z
  .strictObject({
    label: z
      .string('must be text')
      .min(1, 'must not be empty')
      .max(100)
      .meta({ description: 'Whose key it is, or what for.' }),
    scopes: z
      .array(z.enum(scopes, `must be one of ${scopes.join(', ')}`))
      .min(1, 'must name one scope at least'),
    expiresInDays: z
      .int('must be a whole number from 1 to 365')
      .min(1, 'must be from 1 to 365')
      .max(365, 'must be from 1 to 365')
      .optional()
      .meta({ description: "90 when left out, or until the caller's own key ends." }),
  })
  .meta({ description: 'A new key' });

const keyAnswer = z
  .object({
    keyId: z.string(),
    label: z.string(),
    scopes: z.array(z.string()).readonly(),
    origin: z.enum(['configuration', 'operator']),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    expiresAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
    revokedBy: z.string().nullable(),
  })
  .meta({ id: 'AdminKey' });

const issuedAnswer = keyAnswer.extend({
  key: z.string().meta({ description: 'id.secret. Shown this once; keep it.' }),
});

const keysAnswer = z.object({ keys: z.array(keyAnswer) });

@AdminController('keys')
export class ManageAdminKeysController {
  constructor(
    private readonly commandBus: CommandBus,
    private readonly keys: AdminKeys,
  ) {}

  @AdminCall('POST keys', 'keys:manage', {
    operationId: 'issueAdminKey',
    summary: 'Make a key',
    description:
      "A key can be given those scopes only that the caller has as well, and ends with the caller's key at the latest.",
    status: 201,
    answer: jsonAnswer('The key', issuedAnswer),
    problems: ['invalidRequest'],
  })
  async issue(
    @Body({ schema: keyRequest }) body: z.infer<typeof keyRequest>,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof issuedAnswer>> {
    const issued = await this.commandBus.execute(new IssueAdminKeyCommand(body, caller));
    return answerOf(issuedAnswer, issued);
  }

  @AdminCall('GET keys', 'keys:manage', {
    operationId: 'findAdminKeys',
    summary: 'All keys, without their secrets',
    description: 'Also those that have ended, or were revoked.',
    answer: jsonAnswer('Newest first', keysAnswer),
  })
  async list(): Promise<z.infer<typeof keysAnswer>> {
    return { keys: (await this.keys.list()).map((key) => answerOf(keyAnswer, key)) };
  }

  @AdminCall('DELETE keys/:keyId', 'keys:manage', {
    operationId: 'revokeAdminKey',
    summary: 'Revoke a key; it is refused from now on',
    description:
      'The key of the configuration (ADMIN_KEY) is valid again at the next start, while it stands there. The last valid key with the scope keys:manage cannot be revoked.',
    answer: jsonAnswer('The key as it is now', keyAnswer),
    problems: ['keyNotFound', 'lastManagingKey'],
  })
  async revoke(
    @Param('keyId') keyId: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof keyAnswer>> {
    const revoked = await this.commandBus.execute(new RevokeAdminKeyCommand(keyId, caller));
    return answerOf(keyAnswer, revoked);
  }
}
