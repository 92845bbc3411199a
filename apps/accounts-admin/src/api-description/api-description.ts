import {
  commonProblems,
  describeProblems,
  problemSchemaOf,
  requestIdHeader,
  serveApiDescription,
  toSchemaObject,
} from '@app/http-service';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiParam, ApiResponse, DocumentBuilder } from '@nestjs/swagger';
import type { z } from 'zod';
import { adminProblems } from '../admin-problems.js';
import { NDJSON } from '../evidence/line-stream.js';

const problems = { ...commonProblems, ...adminProblems };

/** Describes the successful answer of a call. */
export function ApiAnswer(status: number, description: string, schema: z.ZodType) {
  return ApiResponse({
    status,
    description,
    headers: requestIdHeader,
    content: { 'application/json': { schema: toSchemaObject(schema, 'output') } },
  });
}

/**
 * Describes an answer that comes line by line.
 *
 * @param lines each an example of one kind of line, in their order
 */
export function ApiLines(description: string, ...lines: readonly object[]) {
  const example = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return ApiResponse({
    status: 200,
    description: `${description}. A last line {"error": …} says that it broke off; without a last line it is not whole.`,
    headers: requestIdHeader,
    content: { [NDJSON]: { schema: { type: 'string' }, example } },
  });
}

/** The last line of a signed file. */
export const signatureExample = {
  end: { algorithm: 'Ed25519', publicKey: 'SPKI, base64', signature: 'base64' },
};

/** Describes the segment `{id}` of a path. */
export function ApiAccount() {
  return ApiParam({
    name: 'id',
    description: 'Id of the account, or its e-mail address.',
    examples: {
      id: { value: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff' },
      address: { value: 'ada@example.org' },
    },
  });
}

/** Describes the problems a call can end with. */
export function ApiProblems(...names: (keyof typeof problems)[]) {
  return describeProblems(names.map((name) => problems[name]));
}

/** Serves the OpenAPI document at /admin/openapi.json and a page to read and try it at /admin/docs. */
export function describeAdminApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Accounts, for operators')
    .setDescription(
      'Queries over accounts, replay of their history, projections and statistics. Every call needs a key ' +
        'with the scope that it names; every read of personal data is put on record before it is answered. ' +
        'Errors are problem documents (RFC 9457).',
    )
    .setVersion('1')
    .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
    .addServer('/', 'This service')
    .addTag('accounts', 'What the read model and the history know of them')
    .addTag('activation mails', 'What became of each, and another try')
    .addTag('audit', 'What operators were told')
    .addTag('failed events', 'What consumers could not handle')
    .addTag('history', 'The events themselves, verified and exported')
    .addTag('keys', 'Who may call this API')
    .addTag('projections', 'How those that follow the log get on')
    .addTag('statistics', 'Counts, and what other rules would do')
    .addTag('support', 'What a developer needs to help')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Key: id.secret' }, 'key')
    .build();
  const problem = problemSchemaOf(Object.values(problems));
  const paths = { page: 'admin/docs', document: 'admin/openapi.json' };
  serveApiDescription(app, description, paths, problem);
}
