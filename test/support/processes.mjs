import { readFileSync } from 'node:fs';
import process from 'node:process';

/** The command line of a process; empty when it has ended, as one may between a list of pids and this call. */
export function commandLineOf(pid) {
  return readOfProcess(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** Pids of a process and of all that it started, as text; those that end meanwhile may be missing. */
export function familyOf(pid) {
  const children = readOfProcess(pid, `task/${pid}/children`).split(' ').filter(Boolean);
  return [String(pid), ...children.flatMap(familyOf)];
}

/** Kills a process, unless it ended by itself meanwhile. */
export function killIfRunning(pid) {
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function readOfProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}
