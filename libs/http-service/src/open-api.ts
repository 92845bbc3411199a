import { applyDecorators } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiResponse, SwaggerModule } from '@nestjs/swagger';
import type { ApiResponseNoStatusOptions, OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { htmlPage } from './html-page.js';
import { sendPage } from './problem-pages.js';
import { Problem, commonFieldCodes, problemDocument } from './problem.js';
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

/**
 * What every problem document of a service has; one that adds members extends it.
 *
 * @param types all that there are
 * @param fieldCodes all that there are
 */
export function problemSchemaOf(
  types: readonly ProblemType[],
  fieldCodes: readonly string[] = commonFieldCodes,
) {
  const slugs = types.map(({ slug }) => `/problems/${slug}`);
  const fieldError = z.object({
    field: z.string(),
    code: z.enum(fieldCodes).meta({ description: 'What is wrong, for programs.' }),
    message: z
      .string()
      .meta({ description: 'What is allowed, for people: in the language of Accept-Language.' }),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .optional()
      .meta({ description: 'What the message is made with, such as minLength.' }),
  });
  return z.looseObject({
    type: z.enum(slugs).meta({ description: 'Path of a page that explains the problem.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What to change.' }),
    instance: z.string().meta({ description: 'Names this one occurrence.' }),
    requestId: z.uuid(),
    errors: z.array(fieldError.meta({ id: 'FieldError' })).optional(),
    retryAfterSeconds: z.int().optional().meta({ description: 'As the header Retry-After says.' }),
  });
}

/** What answers of a status have beside the request id. */
const headersOfStatus: Readonly<Record<number, HeadersObject>> = {
  401: {
    'WWW-Authenticate': {
      description: 'Which credentials are wanted.',
      schema: { type: 'string' },
    },
  },
  429: {
    ...retryAfterDescription('When the call may be repeated.'),
    RateLimit: {
      description:
        'Which limit is used up ("name";r=0), and when one more call is allowed (t, in seconds). Only of limits that ' +
        "count the caller's own network alone.",
      schema: { type: 'string' },
      example: '"registrations/host";r=0;t=6',
    },
    'RateLimit-Policy': {
      description:
        'That limit: so many calls (q) at once, and as many again spread over w seconds.',
      schema: { type: 'string' },
      example: '"registrations/host";q=600;w=3600',
    },
  },
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
 * Serves the OpenAPI document, a page to read and try it, and at `/` one that leads there. A controller with one call names it: `registerAccount` of
 * `RegisterAccountController`. Those of a controller with several have an `operationId` each.
 *
 * @param paths of the page and of the document, without a leading slash
 * @param problem what a problem document of this service looks like
 * @param complete adds what is known only at the start, such as lengths from settings; schemas have their names then
 */
export function serveApiDescription(
  app: NestFastifyApplication,
  description: Omit<OpenAPIObject, 'paths'>,
  paths: { readonly page: string; readonly document: string },
  problem: z.ZodType,
  complete: (schemas: Schemas) => void = () => undefined,
): void {
  const document = SwaggerModule.createDocument(app, description, {
    operationIdFactory: (controller) =>
      controller.charAt(0).toLowerCase() + controller.slice(1).replace(/Controller$/, ''),
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? { schema: toSchemaObject(schema, schemaType) } : undefined,
  });
  const schemas = { ...document.components?.schemas, Problem: toSchemaObject(problem, 'output') };
  document.components = { ...document.components, schemas };
  nameSchemasOfBodies(document, schemas);
  liftNamedParts(document, schemas);
  complete(schemas);
  SwaggerModule.setup(paths.page, app, document, { jsonDocumentUrl: paths.document });
  const home = homePage(document, paths);
  const server: FastifyInstance = app.getHttpAdapter().getInstance();
  server.get('/', (_request, reply) => sendPage(reply, home));
}

function homePage(
  { info: { title, description } }: OpenAPIObject,
  paths: { readonly page: string; readonly document: string },
): string {
  const rows = [
    [paths.page, 'Read the API and try it'],
    [paths.document, 'Its description, as OpenAPI 3.1'],
    ['problems', 'What it answers when something is wrong'],
  ].map(([path, what]) => `<li><a href="/${path}">/${path}</a><br>${what}</li>`);
  const body = `<h1>${title}</h1><p>${description}</p><ul class="rows">${rows.join('')}</ul>`;
  return htmlPage({ title, body: `<main>${body}</main>` });
}

type Schemas = Record<string, SchemaObject>;

interface Content {
  schema?: SchemaObject;
}

/** Generated clients have a type for each schema with a name: `RegisterAccountRequest` and `RegisterAccountAnswer`. */
function nameSchemasOfBodies({ paths }: OpenAPIObject, schemas: Schemas): void {
  const name = (content: Content | undefined, called: string) => {
    if (content?.schema === undefined || '$ref' in content.schema) return;
    schemas[called] = content.schema;
    content.schema = { $ref: `#/components/schemas/${called}` };
  };
  for (const path of Object.values(paths)) {
    for (const operation of [path.get, path.post, path.delete]) {
      const called = (operation?.operationId ?? '').replace(/^./, (letter) => letter.toUpperCase());
      const { requestBody } = operation ?? {};
      if (requestBody && 'content' in requestBody) {
        name(requestBody.content['application/json'], `${called}Request`);
      }
      for (const answer of Object.values(operation?.responses ?? {})) {
        if (answer && 'content' in answer) {
          name(answer.content?.['application/json'], `${called}Answer`);
        }
      }
    }
  }
}

/** The schemas that zod knows by an id of their own stand once, in the components of the document. */
function liftNamedParts(node: unknown, schemas: Schemas): void {
  if (typeof node !== 'object' || node === null) return;
  const { $defs, $ref } = node as { $defs?: Schemas; $ref?: unknown };
  if ($defs !== undefined) {
    Object.assign(schemas, $defs);
    delete (node as { $defs?: Schemas }).$defs;
    liftNamedParts($defs, schemas);
  }
  if (typeof $ref === 'string') {
    Object.assign(node, { $ref: $ref.replace('#/$defs/', '#/components/schemas/') });
  }
  for (const part of Object.values(node)) liftNamedParts(part, schemas);
}

/** A zod schema as it stands in an OpenAPI document. */
export function toSchemaObject(schema: z.ZodType, io: 'input' | 'output'): SchemaObject {
  const schemaObject = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    // The format says it, in fewer than three hundred characters.
    override: ({ jsonSchema }) => {
      if (['uuid', 'date-time'].includes(jsonSchema.format ?? '')) delete jsonSchema.pattern;
    },
  });
  // The OpenAPI document names its dialect once, for all its schemas.
  delete schemaObject.$schema;
  return schemaObject as SchemaObject;
}
