import { Problem, commonProblems, problemDocument } from '@app/http-service';
import { applyDecorators } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { adminProblems } from '../admin-problems.js';

type SchemaObject = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const problems = { ...commonProblems, ...adminProblems };

const EXAMPLE_REQUEST_ID = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';

const headers = {
  'X-Request-Id': {
    description: 'Quote it when you ask for help.',
    schema: { type: 'string' as const, format: 'uuid' },
  },
};

/** Describes the successful answer of a call. */
export function ApiAnswer(status: number, description: string, schema: z.ZodType) {
  return ApiResponse({
    status,
    description,
    headers,
    content: { 'application/json': { schema: toSchemaObject(schema, 'output') } },
  });
}

/** Describes the problems a call can end with, several of one status side by side. */
export function ApiProblems(...names: (keyof typeof problems)[]) {
  const statuses = new Set(names.map((name) => problems[name].status));
  return applyDecorators(
    ...[...statuses].map((status) => {
      const types = names.map((name) => problems[name]).filter((type) => type.status === status);
      return ApiResponse({
        status,
        description: types.map(({ title }) => title).join(' · '),
        headers,
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(
              types.map((type) => [
                type.slug,
                { value: problemDocument(new Problem(type, type.explanation), EXAMPLE_REQUEST_ID) },
              ]),
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
});

/** Serves the OpenAPI document at /admin/openapi.json and a page to read and try it at /admin/docs. */
export function describeApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Accounts, for operators')
    .setDescription(
      'Queries over accounts, replay of their history, projections and statistics. Every call needs a key ' +
        'with the scope that it names; every read of personal data is put on record before it is answered. ' +
        'Errors are problem documents (RFC 9457).',
    )
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Key: id.secret' }, 'key')
    .build();
  const document = SwaggerModule.createDocument(app, description, {
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? { schema: toSchemaObject(schema, schemaType) } : undefined,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: toSchemaObject(problemSchema, 'output') },
  };
  SwaggerModule.setup('admin/docs', app, document, { jsonDocumentUrl: 'admin/openapi.json' });
}

function toSchemaObject(schema: z.ZodType, io: 'input' | 'output'): SchemaObject {
  const schemaObject = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  // The OpenAPI document names its dialect once, for all its schemas.
  delete schemaObject.$schema;
  return schemaObject as SchemaObject;
}
