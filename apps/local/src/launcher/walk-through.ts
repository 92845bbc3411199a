import { join } from 'node:path';
import type { ProductEndpoints } from './endpoints-file.js';
import { shortPath } from '../postgres/short-path.js';

const EMAIL = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';

/**
 * What a newcomer needs after `npm start`: where everything is, and a command to copy for each step.
 *
 * @param startMs how long the start took, in milliseconds
 */
export function walkThrough(
  endpoints: ProductEndpoints,
  dataDir: string,
  startMs: number,
  emphasised: (text: string) => string,
): string {
  const { api, admin, mailbox, eventstore, database } = endpoints;
  const folder = shortPath(dataDir);
  const json = `-H 'Content-Type: application/json' -d`;
  const basic = `-u '${EMAIL}:${PASSWORD}'`;
  const adminKey = join(folder, 'secrets', 'admin-key');
  const { host, pathname } = new URL(database);
  return [
    '',
    emphasised(`Ready after ${(startMs / 1000).toFixed(1)} s.`),
    '',
    `  API          ${api}   (try it in the browser: ${api}/docs)`,
    ...(admin ? [`  Admin API    ${admin}   (${admin}/admin/docs; key in ${adminKey})`] : []),
    `  Mailbox      ${mailbox}   (every e-mail ends up here)`,
    `  Event store  ${eventstore}`,
    `  PostgreSQL   ${host}, database ${pathname.slice(1)} (with password in ${join(folder, 'endpoints.json')})`,
    '',
    emphasised('1. Register'),
    `curl -i ${api}/v1/accounts ${json} '${JSON.stringify({ email: EMAIL, password: PASSWORD })}'`,
    '',
    emphasised('2. Read the code: the mailbox prints it below, its page shows it, and so does'),
    `curl -s '${mailbox}/emails?to=${EMAIL}'`,
    '',
    emphasised('3. Activate within a minute, with your code in place of 0000'),
    `curl -i ${basic} ${api}/v1/account/activation ${json} '{"code":"0000"}'`,
    'Too late? Ask for a new code:',
    `curl -i ${basic} -X POST ${api}/v1/account/activation-code`,
    '',
    emphasised('4. See the account'),
    `curl -s ${basic} ${api}/v1/account`,
    '',
    ...(admin
      ? [
          emphasised('5. Replay what happened to it, as an operator'),
          `curl -s -H "Authorization: Bearer $(cat ${adminKey})" ${admin}/admin/v1/accounts/${EMAIL}/history`,
          '',
        ]
      : []),
    `Data  ${folder} (logs in ${join(folder, 'logs')}); remove the folder to forget everything.`,
    'Stop  Ctrl-C. The next start goes on with the same data.',
    '',
  ].join('\n');
}
