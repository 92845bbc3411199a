import { join } from 'node:path';
import type { ProductEndpoints } from './endpoints-file.js';
import type { LauncherSettings } from './launcher-settings.js';
import { placeOfUrl } from './place-of-url.js';
import { shortPath } from './short-path.js';

const EMAIL = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';

/**
 * What a newcomer needs after `npm start`: where everything is, and a command to copy for each step.
 *
 * @param startMs how long the start took, in milliseconds
 */
export function walkThrough(
  endpoints: ProductEndpoints,
  { dataDir, own }: Pick<LauncherSettings, 'dataDir' | 'own'>,
  startMs: number,
  emphasised: (text: string) => string,
): string {
  const { api, admin, mailbox, signUp, eventstore, database } = endpoints;
  const folder = shortPath(dataDir);
  const json = `-H 'Content-Type: application/json' -d`;
  const basic = `-u '${EMAIL}:${PASSWORD}'`;
  const adminKey = join(folder, 'secrets', 'admin-key');
  const [host, databaseName] = placeOfUrl(database).split('/');
  const passwordFile = join(folder, 'endpoints.json');
  return [
    '',
    emphasised(`Ready after ${(startMs / 1000).toFixed(1)} s.`),
    '',
    ...(signUp ? [`  Sign-up page ${signUp}   (register and activate in the browser)`] : []),
    `  API          ${api}   (try it in the browser: ${api}/docs)`,
    ...(admin ? [`  Admin API    ${admin}   (${admin}/admin/docs; key in ${adminKey})`] : []),
    mailbox
      ? `  Mailbox      ${mailbox}   (every e-mail ends up here)`
      : `  Mails        ${placeOfUrl(own.mailbox ?? '')}   (yours: e-mails are really sent)`,
    `  Event store  ${own.eventstore ? `${placeOfUrl(own.eventstore)}   (yours)` : eventstore}`,
    `  PostgreSQL   ${host}, database ${databaseName} (${own.database ? 'yours' : `with password in ${passwordFile}`})`,
    '',
    emphasised('1. Register'),
    `curl -i ${api}/v1/accounts ${json} '${JSON.stringify({ email: EMAIL, password: PASSWORD })}'`,
    '',
    ...(mailbox
      ? [
          emphasised(
            '2. Read the code: the mailbox prints it below, its page shows it, and so does',
          ),
          `curl -s '${mailbox}/emails?to=${EMAIL}'`,
        ]
      : [emphasised('2. Read the code in the e-mail')]),
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
    `Data  ${folder} (logs in ${join(folder, 'logs')}); remove the folder to forget everything${
      Object.keys(own).length > 0 ? ', but not what parts of yours hold: its secrets open that' : ''
    }.`,
    'Stop  Ctrl-C. The next start goes on with the same data.',
    '',
  ].join('\n');
}
