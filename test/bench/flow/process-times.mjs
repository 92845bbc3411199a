import { readFileSync, readdirSync } from 'node:fs';

/** Linux counts a process' time in ticks of 10 ms. */
const TICK_MS = 10;
const PAGE_MB = 4_096 / 1e6;

/**
 * CPU time of processes and all below them, from /proc/<pid>/stat; children that have ended count as well.
 * 0 where there is no /proc.
 *
 * @param processes `{ name, pid }`
 * @returns milliseconds by name
 */
export function cpuMsOf(processes) {
  const stats = allStats();
  return Object.fromEntries(
    processes.map(({ name, pid }) => [
      name,
      treeOf(pid, stats).reduce((sum, { ticks }) => sum + ticks * TICK_MS, 0),
    ]),
  );
}

/** Resident memory of the same, in MB; memory that PostgreSQL's processes share counts once for each. */
export function residentMbOf(processes) {
  const stats = allStats();
  return Object.fromEntries(
    processes.map(({ name, pid }) => [
      name,
      treeOf(pid, stats).reduce((sum, { pages }) => sum + pages * PAGE_MB, 0),
    ]),
  );
}

/** How often the kernel has put a thread of the same to work, but for those that have ended; by name. */
export function contextSwitchesOf(processes) {
  const stats = allStats();
  return Object.fromEntries(
    processes.map(({ name, pid }) => [
      name,
      sumOf(treeOf(pid, stats).map((process) => switchesOf(process.pid))),
    ]),
  );
}

/** What each has used since `before`. */
export function since(before, now) {
  return Object.fromEntries(Object.entries(now).map(([name, ms]) => [name, ms - before[name]]));
}

export function sumOf(values) {
  return Object.values(values).reduce((sum, value) => sum + value, 0);
}

function allStats() {
  let entries;
  try {
    entries = readdirSync('/proc');
  } catch {
    return new Map();
  }
  const stats = new Map();
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(Number(entry));
    if (stat) stats.set(stat.pid, stat);
  }
  return stats;
}

function statOf(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
  // The second field is a name in parentheses, which may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number);
  return {
    pid,
    parent: Number(fields[1]),
    ticks: user + system + childrenUser + childrenSystem,
    pages: Number(fields[21]),
  };
}

function switchesOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
      return sum + sumOf([...text.matchAll(/ctxt_switches:\s*(\d+)/g)].map(([, count]) => +count));
    }, 0);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

function treeOf(pid, stats) {
  const root = stats.get(pid);
  if (!root) return [];
  const tree = [root];
  for (let at = 0; at < tree.length; at += 1) {
    for (const stat of stats.values()) if (stat.parent === tree[at].pid) tree.push(stat);
  }
  return tree;
}
