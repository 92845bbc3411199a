import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file that only the owner can read, so that readers see all of it or the one before. */
export function writeAtomically(path: string, content: unknown): void {
  const unfinished = `${path}.${process.pid}.new`;
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, path);
}
