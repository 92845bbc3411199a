import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const secretKey = () => randomBytes(32).toString('base64');
const keyRing = () => `k1:${secretKey()}`;
const password = () => randomBytes(24).toString('base64url');
/** A key of the admin API: its id, a dot, 256 random bits. */
const adminKey = () => `${randomBytes(8).toString('hex')}.${randomBytes(32).toString('base64url')}`;

/** Read by its owner only, who is also the one that runs the processes. */
const OWNER = 0o400;
/** Read by another user, who alone has the folder mounted. */
const ANYBODY = 0o444;

/** Each secret, how a first one is made, and the folders that need it: a process gets no other. */
const SECRETS = [
  { name: 'address-key', generate: secretKey, folders: ['api', 'admin'] },
  { name: 'password-peppers', generate: keyRing, folders: ['api'] },
  { name: 'activation-code-keys', generate: keyRing, folders: ['api', 'worker', 'admin'] },
  { name: 'personal-data-keys', generate: keyRing, folders: ['api', 'worker', 'admin'] },
  { name: 'receipt-key', generate: secretKey, folders: ['admin'] },
  { name: 'admin-key', generate: adminKey, folders: ['admin'] },
  { name: 'email-api-key', generate: password, folders: ['worker', 'mailbox'] },
  { name: 'database-password', generate: password, folders: ['database'], mode: ANYBODY },
  { name: 'owner-password', generate: password, folders: ['logins'] },
  { name: 'api-password', generate: password, folders: ['logins'] },
  { name: 'worker-password', generate: password, folders: ['logins'] },
  { name: 'admin-password', generate: password, folders: ['logins'] },
  { name: 'grafana-password', generate: password, folders: ['grafana'], mode: ANYBODY },
  { name: 'metrics-password', generate: password, folders: ['metrics'], mode: ANYBODY },
];

/**
 * Writes the secrets of the development stack, each into the folders of those who need it. A secret that any
 * of these folders already holds is kept, because the stored accounts depend on it.
 *
 * @param {string} root folder of the folders
 * @param {{ emailApiKey?: string }} given a key for a real e-mail provider; replaces the generated one
 */
export function writeSecrets(root, given = {}) {
  for (const { name, generate, folders, mode } of SECRETS) {
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
    const files = folders.map((folder) => join(root, folder, name));
    const present = files.find((file) => existsSync(file));
    const wanted = name === 'email-api-key' ? given.emailApiKey : undefined;
    const value = wanted || (present ? readFileSync(present, 'utf8').trim() : generate());
    for (const file of files) writeWhole(file, value, mode);
  }
  writeDatabaseUrls(root);
}

/** Each process logs in as itself, and `logins`, which makes these logins, as the server's superuser. */
function writeDatabaseUrls(root) {
  const urls = [
    ['logins/administrator-url', 'registration', 'database/database-password'],
    ['migrate/database-url', 'registration_owner', 'logins/owner-password'],
    ['api/database-url', 'registration_api', 'logins/api-password'],
    ['worker/database-url', 'registration_worker', 'logins/worker-password'],
    ['admin/database-url', 'registration_admin', 'logins/admin-password'],
  ];
  for (const [file, login, passwordFile] of urls) {
    const value = readFileSync(join(root, passwordFile), 'utf8').trim();
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeWhole(join(root, file), `postgres://${login}:${value}@postgres:5432/registration`);
  }
}

/** Under its name there is either nothing or the whole content, whenever the writing is cut. */
export function writeWhole(file, content, mode = OWNER) {
  if (existsSync(file) && readFileSync(file, 'utf8') === `${content}\n`) return;
  writeFileSync(`${file}.new`, `${content}\n`, { mode: 0o600, flush: true });
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}
