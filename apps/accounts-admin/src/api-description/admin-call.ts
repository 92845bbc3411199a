import { commonProblems } from '@app/http-service';
import { describeProblems, requestIdHeader, toSchemaObject } from '@app/http-service/open-api.js';
import {
  Controller,
  HttpCode,
  RequestMapping,
  RequestMethod,
  applyDecorators,
} from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ApiResponseNoStatusOptions } from '@nestjs/swagger';
import type * as z from 'zod';
import { adminProblems } from '../admin-problems.js';
import { NDJSON } from '../evidence/line-stream.js';
import { RequiresScope } from '../keys/scopes.js';
import type { Scope } from '../keys/scopes.js';

/** Every problem of this API, by its name. */
export const problemsOfCalls = { ...commonProblems, ...adminProblems };

type Method = 'GET' | 'POST' | 'DELETE';
type ProblemName = keyof typeof problemsOfCalls;

interface CallDescription {
  /** Needed where a controller has several calls. */
  readonly operationId?: string;
  readonly summary: string;
  readonly description: string;
  /** Of the successful answer; 200 when left out. */
  readonly status?: number;
  readonly answer: Pick<ApiResponseNoStatusOptions, 'description' | 'content'>;
  /** Beside those of every call: no valid key, a key without the scope, a database that does not answer. */
  readonly problems?: readonly ProblemName[];
}

/** A controller, and the tag that the API description lists its calls under. */
export function AdminController(tag: string) {
  return applyDecorators(Controller('admin/v1'), ApiTags(tag), ApiBearerAuth('key'));
}

/**
 * A call of the admin API: its route, the scope that its key needs, and what the API description says of it.
 *
 * @param route method and path, such as `GET accounts/:id`; the path begins after /admin/v1
 */
export function AdminCall(
  route: `${Method} ${string}`,
  scope: Scope,
  { status = 200, answer, problems = [], ...description }: CallDescription,
) {
  const [method, path] = route.split(' ') as [Method, string];
  const names: readonly ProblemName[] = [
    'unauthenticated',
    'forbidden',
    ...problems,
    'serviceUnavailable',
  ];
  return applyDecorators(
    RequestMapping({ method: RequestMethod[method], path }),
    HttpCode(status),
    RequiresScope(scope),
    ApiOperation(description),
    ...(path.startsWith('accounts/:id') ? [accountParameter] : []),
    ApiResponse({ status, ...answer, headers: requestIdHeader }),
    describeProblems(names.map((name) => problemsOfCalls[name])),
  );
}

const accountParameter = ApiParam({
  name: 'id',
  description: 'Id of the account, or its e-mail address.',
  examples: {
    id: { value: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff' },
    address: { value: 'ada@example.org' },
  },
});

/** A successful answer in one piece. */
export function jsonAnswer(description: string, schema: z.ZodType) {
  const content = { 'application/json': { schema: toSchemaObject(schema, 'output') } };
  return { description, content };
}

/**
 * A successful answer that comes line by line.
 *
 * @param lines each an example of one kind of line, in their order
 */
export function lineAnswer(description: string, ...lines: readonly object[]) {
  const example = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const content = { [NDJSON]: { schema: { type: 'string' }, example } };
  const ending =
    'A last line {"error": …} says that it broke off; without a last line it is not whole.';
  return { description: `${description}. ${ending}`, content };
}

/** The last line of a signed file. */
export const signatureExample = {
  end: { algorithm: 'Ed25519', publicKey: 'SPKI, base64', signature: 'base64' },
};
