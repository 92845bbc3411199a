import { applyDecorators } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiResponse, SwaggerModule } from '@nestjs/swagger';
import type { ApiResponseNoStatusOptions, OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { Problem, problemDocument } from './problem.js';
import type { ProblemType } from './problem.js';

type HeadersObject = NonNullable<ApiResponseNoStatusOptions['headers']>;
type SchemaObject = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const EXAMPLE_REQUEST_ID = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';

/** Stands on every answer of our services. */
export const requestIdHeader = {
  'X-Request-Id': {
    description:
      'Quote it when you ask for help. Your own X-Request-Id is kept beside it when it is a UUID.',
    schema: { type: 'string' as const, format: 'uuid' },
  },
};

/** What every problem document has; a service that adds members extends it. */
export const problemSchema = z.looseObject({
  type: z.string().meta({ description: 'Path of a page that explains the problem.' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: 'What to change.' }),
  instance: z.string().meta({ description: 'Names this one occurrence.' }),
  requestId: z.uuid(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  retryAfterSeconds: z.int().optional().meta({ description: 'As the header Retry-After says.' }),
});

/** The schema of the member `type` where these are all there are. */
export function typesOfProblems(types: readonly ProblemType[]) {
  return z
    .enum(types.map(({ slug }) => `/problems/${slug}`))
    .meta({ description: 'Path of a page that explains the problem.' });
}

/** What answers of a status have beside the request id. */
const headersOfStatus: Readonly<Record<number, HeadersObject>> = {
  401: {
    'WWW-Authenticate': {
      description: 'Which credentials are wanted.',
      schema: { type: 'string' },
    },
  },
  429: retryAfterDescription('When the call may be repeated.'),
  503: retryAfterDescription('When repeating the call makes sense.'),
};

function retryAfterDescription(description: string): HeadersObject {
  return {
    'Retry-After': {
      description: `${description} In seconds.`,
      schema: { type: 'integer', minimum: 1 },
    },
  };
}

/**
 * Describes the problems a call can end with, several of one status side by side.
 *
 * @param membersOf further members of a type's example
 */
export function describeProblems(
  types: readonly ProblemType[],
  membersOf: (type: ProblemType) => Readonly<Record<string, unknown>> = () => ({}),
) {
  const exampleOf = (type: ProblemType) => {
    const problem = new Problem(type, type.explanation, { members: membersOf(type) });
    return problemDocument(problem, EXAMPLE_REQUEST_ID);
  };
  const statuses = new Set(types.map(({ status }) => status));
  return applyDecorators(
    ...[...statuses].map((status) => {
      const sameStatus = types.filter((type) => type.status === status);
      return ApiResponse({
        status,
        description: sameStatus.map(({ title }) => title).join(' · '),
        headers: { ...requestIdHeader, ...headersOfStatus[status] },
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(
              sameStatus.map((type) => [type.slug, { value: exampleOf(type) }]),
            ),
          },
        },
      });
    }),
  );
}

/**
 * Serves the OpenAPI document, and a page to read and try it.
 *
 * @param paths of the page and of the document, without a leading slash
 * @param problem what a problem document of this service looks like
 * @param operationIds what names the calls; those of controllers with several calls cannot
 */
export function serveApiDescription(
  app: NestFastifyApplication,
  description: Omit<OpenAPIObject, 'paths'>,
  paths: { readonly page: string; readonly document: string },
  problem: z.ZodType = problemSchema,
  operationIds: 'of the controllers' | 'of the methods' = 'of the methods',
): void {
  const document = SwaggerModule.createDocument(app, description, {
    // `registerAccount` of `RegisterAccountController`: a controller has one call.
    ...(operationIds === 'of the controllers' && {
      operationIdFactory: (controller: string) =>
        controller.charAt(0).toLowerCase() + controller.slice(1).replace(/Controller$/, ''),
    }),
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? { schema: toSchemaObject(schema, schemaType) } : undefined,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: toSchemaObject(problem, 'output') },
  };
  SwaggerModule.setup(paths.page, app, document, { jsonDocumentUrl: paths.document });
}

/** A zod schema as it stands in an OpenAPI document. */
export function toSchemaObject(schema: z.ZodType, io: 'input' | 'output'): SchemaObject {
  const schemaObject = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  // The OpenAPI document names its dialect once, for all its schemas.
  delete schemaObject.$schema;
  return schemaObject as SchemaObject;
}
