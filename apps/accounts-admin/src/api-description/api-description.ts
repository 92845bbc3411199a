import { problemSchemaOf, serveApiDescription } from '@app/http-service/open-api.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder } from '@nestjs/swagger';
import { problemsOfCalls } from './admin-call.js';

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
    .addTag('audit', 'What operators were shown')
    .addTag('failed events', 'What consumers could not handle')
    .addTag('history', 'The events themselves, verified and exported')
    .addTag('keys', 'Who may call this API')
    .addTag('projections', 'How those that follow the log get on')
    .addTag('statistics', 'Counts, and what other rules would do')
    .addTag('support', 'What a developer needs to help')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Key: id.secret' }, 'key')
    .build();
  const problem = problemSchemaOf(Object.values(problemsOfCalls));
  const paths = { page: 'admin/docs', document: 'admin/openapi.json' };
  serveApiDescription(app, description, paths, problem);
}
