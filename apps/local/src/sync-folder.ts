import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the folder of a file remember that the file was created or renamed: its name is durable only then. */
export function syncFolderOf(path: string): void {
  // Windows cannot open folders, and does not need it.
  if (process.platform === 'win32') return;
  const fileDescriptor = openSync(dirname(path), 'r');
  try {
    fsyncSync(fileDescriptor);
  } finally {
    closeSync(fileDescriptor);
  }
}
