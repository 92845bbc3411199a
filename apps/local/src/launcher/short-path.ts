import { relative } from 'node:path';

/** A path for people: relative where it lies below the current folder, absolute elsewhere. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere || '.';
}
