import { readFileSync } from 'node:fs';
import { commandLineOf } from './command-line.js';

const CHECK_EVERY_MS = 500;

/**
 * Calls `onGone` when the npm that runs us was killed: npm passes signals on, but a killed one cannot,
 * and its terminal would show nothing while everything ran on. Nothing where no npm runs us.
 */
export function watchNpm(onGone: () => void): void {
  if (process.platform !== 'linux' || !process.env['npm_lifecycle_event']) return;
  const npm = [process.ppid, parentOf(process.ppid)].find(isNpm);
  if (npm === undefined) return;
  const check = setInterval(() => {
    if (isNpm(npm)) return;
    clearInterval(check);
    onGone();
  }, CHECK_EVERY_MS);
  check.unref();
}

function isNpm(pid: number): boolean {
  return /^(npm|node\S* \S*npm)/.test(commandLineOf(pid).replace(/^\S*\//, ''));
}

/** Pid of a process' parent; npm puts a shell between itself and us. */
function parentOf(pid: number): number {
  // The command's name, in brackets, may hold anything; what follows it are plain numbers.
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
  return Number(afterName.split(' ')[1]);
}
