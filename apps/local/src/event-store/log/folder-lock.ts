import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textIfThere } from '../../text-if-there.js';

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
    const content = textIfThere(path);
    if (content === undefined) continue;
    const holder = holderIn(content);
    if (holder !== undefined && isAlive(holder))
      throw new FolderInUseError(folder, holder.processId);
    removeStale(path, content);
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

/** Undefined for a content that a crash of the machine has left. */
function holderIn(content: string): Holder | undefined {
  const match = /^\{"processId":(\d+),"startedAt":"(\d*)"\}$/.exec(content);
  return match ? { processId: Number(match[1]), startedAt: match[2]! } : undefined;
}

/** Moves the stale lock away before removing it: of two processes that try, only one can. */
function removeStale(path: string, expected: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (textIfThere(aside) === expected) rmSync(aside);
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
  const stat = textIfThere(`/proc/${processId}/stat`);
  if (stat === undefined) return '';
  // The second field, the name, may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isZombie = fields[0] === 'Z';
  return isZombie ? '' : (fields[19] ?? '');
}
