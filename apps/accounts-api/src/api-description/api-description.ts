import { Problem, commonProblems, problemDocument } from '@app/http-service';
import type { ProblemType } from '@app/http-service';
import { applyDecorators } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiHeader, ApiResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { accountProblems } from '../account-problems.js';
import { CONSISTENCY_TOKEN } from '../read-your-writes/read-your-writes.js';

type SchemaObject = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const problems = { ...commonProblems, ...accountProblems };

const EXAMPLE_REQUEST_ID = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';
const EXAMPLE_TOKEN = '104729';

const requestIdHeader = {
  'X-Request-Id': {
    description: 'Quote it when you ask for help.',
    schema: { type: 'string' as const, format: 'uuid' },
  },
};

const consistencyTokenHeader = {
  [CONSISTENCY_TOKEN]: {
    description: 'Send it along with a later call, to whichever server: it then sees this change.',
    schema: { type: 'string' as const },
    example: EXAMPLE_TOKEN,
  },
};

/** Describes the header that every call with credentials takes. */
export function ApiConsistencyToken() {
  return ApiHeader({
    name: CONSISTENCY_TOKEN,
    required: false,
    description: 'From an earlier answer: wait until that change is visible, at most 2 seconds.',
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

/** Describes the problems a call can end with, several of one status side by side. */
export function ApiProblems(...names: (keyof typeof problems)[]) {
  const statuses = new Set(names.map((name) => problems[name].status));
  return applyDecorators(
    ...[...statuses].map((status) => {
      const sameStatus = names.filter((name) => problems[name].status === status);
      return ApiResponse({
        status,
        description: sameStatus.map((name) => problems[name].title).join(' · '),
        headers: requestIdHeader,
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(
              sameStatus.map((name) => [problems[name].slug, { value: exampleOf(problems[name]) }]),
            ),
          },
        },
      });
    }),
  );
}

const problemSchema = z.looseObject({
  type: z.string().meta({ description: 'Path of a page that explains the problem.' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: 'What to change.' }),
  instance: z.string().meta({ description: 'Names this one occurrence.' }),
  requestId: z.uuid(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  attemptsLeft: z.int().optional(),
});

function exampleOf(type: ProblemType): Record<string, unknown> {
  const members =
    type === problems.invalidRequest
      ? { errors: [{ field: 'email', message: 'The e-mail address must contain exactly one @.' }] }
      : type === problems.activationCodeIncorrect
        ? { attemptsLeft: 2 }
        : {};
  return problemDocument(new Problem(type, type.explanation, { members }), EXAMPLE_REQUEST_ID);
}

/** Serves the OpenAPI document at /openapi.json and a page to read and try it at /docs. */
export function describeApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Accounts')
    .setDescription(
      'Register with an e-mail address and a password, receive a 4-digit code by e-mail, and activate ' +
        'the account with it within one minute. Errors are problem documents (RFC 9457).',
    )
    .setVersion('1')
    .addBasicAuth(
      { type: 'http', scheme: 'basic', description: 'E-mail address and password' },
      'basic',
    )
    .build();
  const document = SwaggerModule.createDocument(app, description, {
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? { schema: toSchemaObject(schema, schemaType) } : undefined,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: toSchemaObject(problemSchema, 'output') },
  };
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json' });
}

function toSchemaObject(schema: z.ZodType, io: 'input' | 'output'): SchemaObject {
  const schemaObject = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  // The OpenAPI document names its dialect once, for all its schemas.
  delete schemaObject.$schema;
  return schemaObject as SchemaObject;
}
