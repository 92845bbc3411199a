import { existsSync, rmSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { writeWhole } from './development-secrets.mjs';

const HOST_NAME = /^[a-z0-9]([a-z0-9.:-]*[a-z0-9])?$/i;

/**
 * Writes `host-names.conf`, from which nginx has the names that it answers for beside those of this machine; for
 * others it answers 421.
 *
 * @param {string} folder
 * @param {string[]} names host names and IP addresses
 * @throws Error for what is neither
 */
export function writeHostNames(folder, names) {
  const file = join(folder, 'host-names.conf');
  const odd = names.find((name) => !HOST_NAME.test(name));
  if (odd !== undefined) throw new Error(`CERTIFICATE_NAMES: this is no name: ${odd}`);
  if (names.length > 0) {
    const inConfiguration = names.map((name) => (isIPv6(name) ? `[${name}]` : name));
    writeWhole(file, `server_name ${inConfiguration.join(' ')};`, 0o444);
  } else if (existsSync(file)) {
    rmSync(file);
  }
}
