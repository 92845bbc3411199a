import { spawnSync } from 'node:child_process';
import { existsSync, lchownSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** How to start a program that refuses to run as root. */
export interface ProgramOwner {
  /** Words to put in front of the program and its arguments. */
  readonly prefix: readonly string[];
  /** Ids to start it with; undefined for those of this process. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined;
  /** Gives a file or folder, with all it holds, to the user that the program runs as. */
  giveTo(path: string): void;
}

const AS_OURSELVES: ProgramOwner = { prefix: [], ids: undefined, giveTo: () => undefined };

/** Inside this user namespace we are the user `nobody`, who owns there what we own outside. */
const NAMESPACE = ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--'] as const;

const IN_NAMESPACE: ProgramOwner = { ...AS_OURSELVES, prefix: NAMESPACE };

const UNPRIVILEGED_USERS = ['postgres', 'nobody', 'node', 'daemon'];

/**
 * Finds a user other than root to run PostgreSQL as; our own when we are not root.
 *
 * A folder that already belongs to a user is run by that user. Otherwise a user namespace is preferred,
 * because it leaves the folder ours and works below folders that only root may enter.
 *
 * @param users names to look for in the system, most fitting first
 * @throws Error naming what to do when there is no such user
 */
export function unprivilegedOwner(
  dataDir: string,
  users: readonly string[] = UNPRIVILEGED_USERS,
): ProgramOwner {
  if (process.getuid?.() !== 0) {
    return isKnownToSystem() || !namespaceWorks() ? AS_OURSELVES : IN_NAMESPACE;
  }
  const current = existsSync(dataDir) ? statSync(dataDir) : undefined;
  if (current && current.uid !== 0) return user(current.uid, current.gid);
  if (namespaceWorks()) return IN_NAMESPACE;
  const fallback = existingUser(users);
  if (fallback) return fallback;
  throw new Error(
    'PostgreSQL refuses to run as root, this system does not allow "unshare --user", and it knows none ' +
      `of the users ${users.join(', ')}. Start as an ordinary user instead.`,
  );
}

/** A container may run us as a user number without a name, which initdb refuses. */
function isKnownToSystem(): boolean {
  try {
    userInfo();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SYSTEM_ERROR') return false;
    throw error;
  }
}

function namespaceWorks(): boolean {
  const [command, ...options] = NAMESPACE;
  return (
    spawnSync(command, [...options, 'true'], { stdio: 'ignore', env: process.env }).status === 0
  );
}

function existingUser(users: readonly string[]): ProgramOwner | undefined {
  if (!existsSync('/etc/passwd')) return undefined;
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of users) {
    const entry = entries.find(([entryName]) => entryName === name);
    if (entry) return user(Number(entry[2]), Number(entry[3]));
  }
  return undefined;
}

function user(uid: number, gid: number): ProgramOwner {
  return { prefix: [], ids: { uid, gid }, giveTo: (path) => chownTree(path, uid, gid) };
}

function chownTree(path: string, uid: number, gid: number): void {
  lchownSync(path, uid, gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) chownTree(join(path, name), uid, gid);
}
