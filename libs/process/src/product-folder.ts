import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of the product's package.json: the nearest above this file, in the sources as in the build.
 *
 * @throws Error when there is none
 */
export function productFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error('no package.json is above the program');
  }
}
