import { commonProblems } from '@app/http-service';
import {
  describeProblems,
  problemSchemaOf,
  requestIdHeader,
  serveApiDescription,
  toSchemaObject,
} from '@app/http-service/open-api.js';
import type { ProblemType } from '@app/http-service';
import type { PasswordPolicy } from '@app/accounts';
import { applyDecorators } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiHeader, ApiResponse, DocumentBuilder } from '@nestjs/swagger';
import * as z from 'zod';
import { fieldCodes } from '../field-sentences.js';
import { accountProblems } from '../account-problems.js';
import { CONSISTENCY_TOKEN } from '../read-your-writes/consistency-tokens.js';

const problems = { ...commonProblems, ...accountProblems };

const EXAMPLE_TOKEN =
  'RkU4dWJ0c3VqcW1vYXl2d2x6bnJwZGhnY2tpZnhlYnRzdWpxbW9heXZ3bHpucnBkaGdja2lmeGVidHN1';

const consistencyTokenHeader = {
  [CONSISTENCY_TOKEN]: {
    description:
      'Send it along, unchanged, with a later call to whichever server: it then sees this change. On every ' +
      'answer to a call of this kind, and always 80 characters; what they mean is for the service alone.',
    schema: { type: 'string' as const, pattern: '^[A-Za-z0-9_-]{80}$' },
    example: EXAMPLE_TOKEN,
  },
};

/** Describes the header that every call with credentials takes. */
export function ApiConsistencyToken() {
  return ApiHeader({
    name: CONSISTENCY_TOKEN,
    required: false,
    description:
      'From an earlier answer: wait until that change is visible, at most 2 seconds. A value that is not ' +
      'from this service is answered 400, one whose change is no longer in the log 409; both at once.',
  });
}

/** Describes the successful answer of a call that changes nothing. */
export function ApiRead<Answer>(
  status: number,
  description: string,
  schema: z.ZodType<Answer>,
  example: Answer,
) {
  return applyDecorators(
    ApiConsistencyToken(),
    ApiResponse({
      status,
      description,
      headers: requestIdHeader,
      content: { 'application/json': { schema: toSchemaObject(schema, 'output'), example } },
    }),
  );
}

/** Describes the successful answer of a call that changes something. */
export function ApiWrite<Answer>(
  status: number,
  description: string,
  schema: z.ZodType<Answer>,
  example: Answer,
) {
  return ApiResponse({
    status,
    description,
    headers: { ...requestIdHeader, ...consistencyTokenHeader },
    content: { 'application/json': { schema: toSchemaObject(schema, 'output'), example } },
  });
}

/** Describes the problems a call can end with. */
export function CallProblems(...names: (keyof typeof problems)[]) {
  return describeProblems(
    names.map((name) => problems[name]),
    exampleMembersOf,
  );
}

function exampleMembersOf(type: ProblemType): Record<string, unknown> {
  if (type === problems.invalidRequest) {
    const message = 'The e-mail address must contain exactly one @.';
    return { errors: [{ field: 'email', code: 'not-one-at-sign', message }] };
  }
  if (type === problems.accountAlreadyActive) return { activatedAt: '2026-11-22T10:02:12.345Z' };
  if (type.status === 429 || type.status === 503) return { retryAfterSeconds: 2 };
  return type === problems.activationCodeIncorrect ? { attemptsLeft: 2 } : {};
}

/**
 * Serves the OpenAPI document at /openapi.json and a page to read and try it at /docs.
 *
 * @param policy lengths of passwords, in code points
 */
export function describeApi(
  app: NestFastifyApplication,
  { minLength, maxLength }: Pick<PasswordPolicy, 'minLength' | 'maxLength'>,
): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Accounts')
    .setDescription(
      'Register with an e-mail address and a password, receive a 4-digit code by e-mail, and activate ' +
        'the account with it within one minute. Errors are problem documents (RFC 9457).',
    )
    .setVersion('1')
    .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
    .addServer('/', 'This service')
    .addTag('accounts', 'Registration; without credentials')
    .addTag('account', 'The own account; with its address and password')
    .addTag(
      'mail events',
      'Reports of the e-mail provider, signed with the key that it shares with the service',
    )
    .addApiKey(
      {
        type: 'apiKey',
        in: 'header',
        name: 'svix-signature',
        description:
          'Or webhook-signature: "v1," and the HMAC-SHA-256 of "id.timestamp.body", in Base64',
      },
      'signature',
    )
    .addBasicAuth(
      { type: 'http', scheme: 'basic', description: 'E-mail address and password' },
      'basic',
    )
    .build();
  const problem = problemSchemaOf(Object.values(problems), fieldCodes).extend({
    attemptsLeft: z.int().optional(),
    activatedAt: z.iso.datetime().optional(),
  });
  const paths = { page: 'docs', document: 'openapi.json' };
  serveApiDescription(app, description, paths, problem, ({ RegisterAccountRequest: request }) => {
    const fields = request && 'properties' in request ? request.properties : undefined;
    Object.assign(fields?.['password'] ?? {}, { minLength, maxLength });
  });
}
