import { spawnSync } from 'node:child_process';

/**
 * For processes whose load comes and goes; NODE_OPTIONS takes none of them.
 *
 * After some seconds with little to do, V8 of Node 20 and 22 collects garbage until it finds none, and drops compiled
 * code on the way: the calls that come next cost half as much again. And it gives the space for new objects back,
 * which then grows anew.
 */
const FOR_LOADS_THAT_PAUSE = ['--no-memory-reducer', '--min-semi-space-size=8'];

/** Those of them that this Node knows: one that it does not would keep a process from starting. */
export function nodeFlags(wanted: readonly string[] = FOR_LOADS_THAT_PAUSE): readonly string[] {
  return areKnown(wanted) ? wanted : wanted.filter((flag) => areKnown([flag]));
}

function areKnown(flags: readonly string[]): boolean {
  const options = { stdio: 'ignore', env: {} } as const;
  return spawnSync(process.execPath, [...flags, '--version'], options).status === 0;
}
