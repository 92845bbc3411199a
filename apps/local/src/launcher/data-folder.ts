import { accessSync, constants, mkdirSync } from 'node:fs';

/**
 * Makes the data folder where it is missing.
 *
 * @throws Error with what to do when this user cannot write there
 */
export function prepareDataFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `The data folder ${dataDir} cannot be used by this user (${code}). It may belong to another one, ` +
        'who started the product before: start as that user, or set DATA_DIR to another folder.',
      { cause: error },
    );
  }
}
