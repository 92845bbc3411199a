import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '@app/process';
import { UsageError } from './usage-error.js';

/** Where the admin API is, and the key to use there. */
export interface Connection {
  readonly url: string;
  readonly key: string;
}

/**
 * From ADMIN_URL and ADMIN_KEY (or ADMIN_KEY_FILE); whichever is missing from the data folder of a product
 * that runs on this machine (DATA_DIR, `.data` when left out).
 *
 * @throws UsageError saying what is missing
 */
export function connectionOf(env: Environment, url: string | undefined): Connection {
  const dataDir = resolve(env['DATA_DIR'] || '.data');
  return {
    url: url ?? (env['ADMIN_URL'] || urlOfRunningProduct(dataDir)),
    key: env['ADMIN_KEY'] || keyOfFile(env['ADMIN_KEY_FILE'] || join(dataDir, 'secrets/admin-key')),
  };
}

function urlOfRunningProduct(dataDir: string): string {
  const path = join(dataDir, 'endpoints.json');
  const content = contentOf(path);
  if (content !== '') {
    const { admin } = JSON.parse(content) as { readonly admin?: string };
    if (admin) return admin;
  }
  throw new UsageError(
    'There is no admin API to talk to: set ADMIN_URL, or start the product (npm start), or set ' +
      'DATA_DIR to the folder of a running one.',
  );
}

function keyOfFile(path: string): string {
  const content = contentOf(path);
  if (content !== '') return content;
  throw new UsageError(
    'There is no key: set ADMIN_KEY, or ADMIN_KEY_FILE to a file that holds it.',
  );
}

/** Nothing where the file is missing, or a crash of the machine has left it without its content. */
function contentOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}
