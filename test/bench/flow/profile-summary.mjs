import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where a process spent its time, from the .cpuprofile that `node --cpu-prof` writes.
 *
 * @returns busy time in ms; own time by room or package, and by function; time including callees by function of
 *   ours. Each as `{ name, ms, share }` of the busy time, largest first
 */
export function summaryOf(folder) {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error(`no profile in ${folder}`);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, { ...node, selfMs: 0 }]));
  samples.forEach((id, sample) => (byId.get(id).selfMs += timeDeltas[sample] / 1_000));
  for (const node of byId.values())
    for (const child of node.children ?? []) byId.get(child).parent = node;

  const rooms = new Map();
  const functions = new Map();
  const including = new Map();
  let busyMs = 0;
  for (const node of byId.values()) {
    if (node.selfMs === 0) continue;
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === '(idle)' || functionName === '(root)') continue;
    busyMs += node.selfMs;
    const room = roomOf(url, functionName);
    add(rooms, room, node.selfMs);
    add(functions, `${functionName || 'anonymous'} (${room}:${lineNumber + 1})`, node.selfMs);
    const seen = new Set();
    for (let at = node; at; at = at.parent) {
      const { callFrame } = at;
      const name = `${callFrame.functionName || 'anonymous'} (${fileOf(callFrame.url)}:${callFrame.lineNumber + 1})`;
      if (callFrame.url && !seen.has(name)) add(including, name, node.selfMs);
      seen.add(name);
    }
  }
  const sorted = (map) =>
    [...map]
      .map(([name, ms]) => ({ name, ms, share: ms / busyMs }))
      .sort((one, other) => other.ms - one.ms);
  return {
    busyMs,
    rooms: sorted(rooms),
    functions: sorted(functions),
    including: sorted(including),
  };
}

function add(map, key, ms) {
  map.set(key, (map.get(key) ?? 0) + ms);
}

/** The package, or the room of ours, that a file belongs to. */
function roomOf(url, functionName) {
  if (!url) return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  const [, inPackage] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/[^]*$/.exec(url) ?? [];
  return inPackage ?? fileOf(url);
}

function fileOf(url) {
  return /(?:dist\/modules|node_modules)\/(.+)$/.exec(url)?.[1] ?? url;
}
