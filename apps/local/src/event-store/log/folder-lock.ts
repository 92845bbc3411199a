import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Another living process works in the folder. */
export class FolderInUseError extends Error {
  constructor(
    folder: string,
    readonly processId: number,
  ) {
    super(`the data folder ${folder} is in use by process ${processId}`);
    this.name = 'FolderInUseError';
  }
}

interface Holder {
  readonly processId: number;
  /** Distinguishes a process from a later one with the same id; empty where the system does not say. */
  readonly startedAt: string;
}

const ATTEMPTS = 10;

/**
 * Claims a folder for this process, creating it when missing. A lock left by a process that is gone, or
 * whose id now belongs to another process, is taken over.
 *
 * @returns gives the folder free again
 * @throws FolderInUseError
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'lock');
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (tryCreate(path)) return () => rmSync(path, { force: true });
    const holder = readHolder(path);
    if (holder === 'gone') continue;
    if (holder !== 'unreadable' && isAlive(holder))
      throw new FolderInUseError(folder, holder.processId);
    removeStale(path, holder);
  }
  throw new Error(`the lock file ${path} cannot be taken: it changes again and again`);
}

/** The lock appears together with its content: linking fails when the name is taken. */
function tryCreate(path: string): boolean {
  const draft = `${path}.${process.pid}.new`;
  const self: Holder = { processId: process.pid, startedAt: startOf(process.pid) };
  try {
    writeFileSync(draft, JSON.stringify(self));
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(path: string): Holder | 'gone' | 'unreadable' {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  const match = /^\{"processId":(\d+),"startedAt":"(\d*)"\}$/.exec(content);
  if (match === null) return 'unreadable';
  return { processId: Number(match[1]), startedAt: match[2]! };
}

/** Moves the stale lock away before removing it: of two processes that try, only one can. */
function removeStale(path: string, expected: Holder | 'unreadable'): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  const isExpected =
    moved === expected ||
    (typeof moved === 'object' &&
      typeof expected === 'object' &&
      moved.processId === expected.processId &&
      moved.startedAt === expected.startedAt);
  if (isExpected) rmSync(aside);
  else renameSync(aside, path);
}

function isAlive(holder: Holder): boolean {
  // In a container the predecessor often had this very process id.
  if (holder.processId === process.pid && holder.startedAt === '') return false;
  try {
    process.kill(holder.processId, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(holder.processId) === holder.startedAt;
}

/** Start time of a living process in clock ticks since boot, from Linux's /proc; '' elsewhere. */
function startOf(processId: number): string {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  // The second field, the name, may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isZombie = fields[0] === 'Z';
  return isZombie ? '' : (fields[19] ?? '');
}
